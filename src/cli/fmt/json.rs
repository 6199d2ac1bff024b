//! JSON with a member to a line and two spaces for each level.
//!
//! Only the space between its words changes: texts and numbers stay as they are spelt. Start with [`layout`].

/// Spaces for each level.
const INDENT: &str = "  ";

/// `text`, which is JSON, laid out anew. Cost: linear.
pub fn layout(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    let mut depth: usize = 0;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = rest.split_at(word_bytes(rest, first));
        let after = after.trim_start();
        out.push_str(word);
        match first {
            '{' | '[' if !after.starts_with(['}', ']']) => {
                depth += 1;
                line(&mut out, depth);
            }
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
        // What closes stands on a line of its own, unless there is nothing between it and what opened.
        if after.starts_with(['}', ']']) && !matches!(first, '{' | '[') {
            depth = depth.saturating_sub(1);
            line(&mut out, depth);
        }
        rest = after;
    }
    out.push('\n');
    out
}

/// How long the word is that `rest` begins with: a text, a bracket, a sign, or a bare word.
fn word_bytes(rest: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut is_escaped = false;
            let end = rest.bytes().skip(1).position(|byte| {
                let is_end = byte == b'"' && !is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
                is_end
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ => {
            let is_end = |byte: u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(&byte);
            rest.bytes().position(is_end).unwrap_or(rest.len()).max(first.len_utf8())
        }
    }
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(INDENT, depth));
}
