//! The `doorward` binary. Everything it does is in `doorward::cli`.

fn main() -> std::process::ExitCode {
    doorward::cli::main()
}
