//! The chain of a `Forwarded` header (RFC 7239).
//!
//! Only `for` is read. What is between quotes is taken as it is: an address has nothing to escape. Everything is read
//! strictly, because a quote that a client leaves open would swallow what the proxies behind it have added.

/// Adds what each element says that it was sent for; an element that does not say is an empty entry.
///
/// `None` when the line does not have the form of the header: then nobody can tell whose words are whose.
pub fn entries<'h>(line: &'h [u8], chain: &mut Vec<&'h [u8]>) -> Option<()> {
    let mut rest = line;
    let mut sender: Option<&[u8]> = None;
    loop {
        rest = rest.trim_ascii_start();
        let (name, after) = token(rest);
        if !name.is_empty() {
            let (value, after) = value(after.strip_prefix(b"=")?)?;
            rest = after.trim_ascii_start();
            if name.eq_ignore_ascii_case(b"for") && sender.replace(value).is_some() {
                return None;
            }
        }
        match rest.split_first() {
            Some((b';', after)) => rest = after,
            Some((b',', after)) => {
                chain.push(sender.take().unwrap_or_default());
                rest = after;
            }
            None => {
                chain.push(sender.unwrap_or_default());
                return Some(());
            }
            _ => return None,
        }
    }
}

/// A token or a quoted string, without its quotes, and what follows.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (token, rest) = token(text);
        return (!token.is_empty()).then_some((token, rest));
    };
    let mut is_escaped = false;
    let end = quoted.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((quoted.get(..end)?, quoted.get(end + 1..)?))
}

/// The longest token that `text` begins with, and what follows. Colons are no part of tokens, but some proxies leave
/// the quotes of a port away.
fn token(text: &[u8]) -> (&[u8], &[u8]) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(byte);
    text.split_at(text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len()))
}
