//! One spelling for each path and host, so that a policy about one cannot be evaded by writing it in another way.
//!
//! What servers read differently (encoded slashes, dot segments, double slashes, parameters of segments, which many take
//! away before they look for a handler) is refused rather than guessed at.
//! Source: RFC 3986, section 6.2; WHATWG URL, host parsing.

use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

use crate::model::decision::InputError;

/// The path of `text`, without its query, decoded.
///
/// With `is_normal` the gateway has seen to it that each path has one spelling, and the path is taken as it is.
///
/// # Errors
/// A path that does not begin with `/` (but for `*`), has a fragment, a backslash, a control character, a double slash,
/// a dot segment, a parameter of a segment (`;`, encoded or not), an encoded slash, backslash or NUL, a `%` without two
/// digits, or that is no UTF-8.
pub fn path(text: &str, is_normal: bool) -> Result<String, InputError> {
    let path = text.split('?').next().unwrap_or_default();
    if is_normal || path == "*" {
        return Ok(path.to_owned());
    }
    let problem = |problem| Err(InputError::invalid("attributes.http.path", problem));
    let Some(rest) = path.strip_prefix('/') else {
        return problem("must begin with `/`");
    };
    if path.bytes().any(|byte| matches!(byte, b'\\' | b'#' | 0x7f) || byte < 0x20) {
        return problem("must not have a backslash, a fragment or a control character");
    }
    let escapes = path.split('%').skip(1).map(|rest| rest.get(..2).and_then(|digits| escape(digits.as_bytes())));
    for escape in escapes {
        match escape {
            Some(b'/' | b'\\' | 0) => return problem("must not have an encoded slash, backslash or NUL"),
            Some(_) => {}
            None => return problem("must have two digits behind each `%`"),
        }
    }
    let Ok(decoded) = percent_decode_str(path).decode_utf8() else {
        return problem("must be UTF-8");
    };
    if decoded.contains(';') {
        return problem("must not have a parameter behind `;`");
    }
    // The last segment alone may be empty: the path ends in a slash then.
    let (segments, last) = rest.rsplit_once('/').unwrap_or(("", rest));
    if rest.contains('/') && segments.split('/').any(str::is_empty) {
        return problem("must not have a double slash");
    }
    if segments.split('/').chain([last]).any(is_dots) {
        return problem("must not have a dot segment");
    }
    Ok(decoded.into_owned())
}

fn escape(digits: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match digits {
        [high, low] => Some(digit(high)? * 16 + digit(low)?),
        _ => None,
    }
}

/// `.` or `..` for any server.
fn is_dots(segment: &str) -> bool {
    matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | "..")
}

/// The name or address of a host, in lower case, without port and without the dot of the root.
///
/// # Errors
/// What is no host.
pub fn host(text: &str) -> Result<String, InputError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or(("", text)),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_port =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = match text.starts_with('[') {
        true => name.parse::<Ipv6Addr>().ok().map(|address| address.to_string()),
        false => Some(name.strip_suffix('.').unwrap_or(name)).filter(|name| is_name(name)).map(str::to_ascii_lowercase),
    };
    let error = || InputError::invalid("attributes.http.host", "must be a host, with a port or without");
    name.filter(|_| is_port).ok_or_else(error)
}

/// Letters, digits, `-` and `_`, in parts between dots.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_has_no_second_reading(text in "/([a.;%/?#\\\\]|%2[eEfF]|%5c|%3b|%00|\\PC){0,12}") {
            if let Ok(path) = path(&text, false) {
                prop_assert!(!path.contains("//") && !path.contains('\\') && !path.contains('\0'), "{path}");
                prop_assert!(!path.contains(';') && !path.split('/').any(|part| matches!(part, "." | "..")), "{path}");
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,64}") {
            for is_normal in [false, true] {
                let _ = path(&text, is_normal);
            }
            if let Ok(host) = host(&text) {
                prop_assert!(super::host(&host).is_ok_and(|again| again == host) || host.contains(':'));
            }
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for (text, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("/adm%69n?x=/../y", "/admin"),
            ("/admin?x;y", "/admin"),
            ("/a%20b", "/a b"),
            ("/%C3%A4", "/ä"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/%252e%252e/", "/%2e%2e/"),
            ("*", "*"),
        ] {
            assert_eq!(path(text, false).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_path_that_servers_read_differently_is_refused_unless_the_gateway_has_settled_it() {
        for text in [
            "",
            "a",
            "http://host/",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2e/b",
            "/.%2E/b",
            "/a/..;/b",
            "/a/..;x=1",
            "/a/%2e%2e%3b/b",
            "/admin;x=1",
            "/admin;",
            "/a;v=1/b",
            "/admin%3bx",
            "/admin%3B/b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a%00",
            "/a\\b",
            "/a#b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/a\u{1}",
            "/%ff",
            "?x",
            "/a%2f?x",
        ] {
            let error = path(text, false).expect_err(text);
            assert_eq!(error.field, "attributes.http.path");
        }
        assert_eq!(path("/a//%2f/../b?q", true).as_deref(), Ok("/a//%2f/../b"));
    }

    #[test]
    fn a_host_has_one_spelling() {
        for (text, expected) in [
            ("API.Corp.Test", "api.corp.test"),
            ("api.corp.test:8443", "api.corp.test"),
            ("api.corp.test.:443", "api.corp.test"),
            ("127.0.0.1:9001", "127.0.0.1"),
            ("[2001:DB8:0::1]:443", "2001:db8::1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            ".",
            ":80",
            "a b",
            "a/b",
            "a@b",
            "a,b",
            "a..",
            "a..b",
            ".a",
            "a%2eb",
            "ä",
            "a:b",
            "2001:db8::1",
            "[x]",
            "[::1",
            "[::1]x",
            "a:80:90",
        ] {
            assert_eq!(host(text).expect_err(text).field, "attributes.http.host");
        }
    }
}
