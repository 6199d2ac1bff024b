//! Reads the JSON that callers usually send, in one pass and straight into the message.
//!
//! It knows a part of JSON: on one line, objects with the fields of a message, plain strings, booleans, `null`, lists of
//! strings. At anything else (a line break, an escape, a free object, an unknown or repeated field, a mistake) it gives
//! up, and the whole body is read by serde_json, which alone says what is wrong. So it can only be faster, not more
//! lenient: what it accepts reads the same there, which a property holds it to.
//!
//! WHY not serde_json alone: reading took two thirds of the instructions of a decision over HTTP, most of them spent on
//! moving half-built messages and on the generality of its strings.

use super::list::List;
use super::message::{IdSet, Object, Raw, Text, Word};
use super::spelling::Spelling;

/// Something that can be read this way.
pub trait Scan<'a>: Default {
    /// Reads the value that comes next into `self`, which holds the default. `None`: it is none of the usual form.
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()>;
}

/// Reads a whole document into `message`, which holds the default. `None`: it is none of the usual form, and `message`
/// holds some of it. Cost: one pass.
pub fn read<'a, M: Scan<'a>>(body: &'a [u8], message: &mut M) -> Option<()> {
    let text = simdutf8::basic::from_utf8(body).ok()?;
    // WHY: one look at the whole text, many bytes at a time, spares each string a look for these.
    let (lowest, has_escape) =
        text.bytes().fold((u8::MAX, false), |(lowest, found), byte| (lowest.min(byte), found | (byte == b'\\')));
    if lowest < b' ' || has_escape {
        return None;
    }
    let mut scanner = Scanner { rest: text };
    message.scan(&mut scanner)?;
    scanner.skip_spaces();
    scanner.rest.is_empty().then_some(())
}

/// What is left of a document.
#[derive(Debug)]
pub struct Scanner<'a> {
    rest: &'a str,
}

// WHY always: what is compared with is known where these are called, and is then a few instructions, not a call.
impl<'a> Scanner<'a> {
    /// The bracket that opens an object or list; whether something is in it, which is then gone to.
    #[inline(always)]
    pub fn open(&mut self, open: &str, close: &str) -> Option<bool> {
        self.symbol(open)?;
        Some(!self.accept(close))
    }

    /// What follows an element: whether it is another one, which is then gone to. Otherwise it is the bracket that closes.
    #[inline(always)]
    pub fn goes_on(&mut self, close: &str) -> Option<bool> {
        if self.accept(",") {
            self.skip_spaces();
            return Some(true);
        }
        self.symbol(close)?;
        Some(false)
    }

    /// Whether `key`, in quotes and with its colon, comes next without a space; it is then passed over.
    #[inline(always)]
    pub fn key_is(&mut self, key: &str) -> bool {
        self.take(key)
    }

    /// The next key.
    pub fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.symbol(":")?;
        Some(key)
    }

    /// A string in which nothing is escaped.
    fn string(&mut self) -> Option<&'a str> {
        self.skip_spaces();
        let inside = self.rest.strip_prefix('"')?;
        let (text, rest) = inside.split_at_checked(first_quote(inside.as_bytes())?)?;
        self.rest = rest.strip_prefix('"')?;
        Some(text)
    }

    #[inline(always)]
    fn symbol(&mut self, symbol: &str) -> Option<()> {
        self.accept(symbol).then_some(())
    }

    /// Whether `word` comes next, spaces aside; it is then passed over.
    #[inline(always)]
    fn accept(&mut self, word: &str) -> bool {
        // WHY twice: most write no spaces, and are then not asked whether they did.
        self.take(word) || (self.skip_spaces() && self.take(word))
    }

    #[inline(always)]
    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    /// Passes over spaces; whether there were any.
    #[inline(always)]
    fn skip_spaces(&mut self) -> bool {
        let is_spaced = self.rest.starts_with(' ');
        // WHY: a loop, which most have no use for, is kept out of all the places that this is called from.
        if is_spaced {
            self.skip_all_spaces();
        }
        is_spaced
    }

    #[cold]
    fn skip_all_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }
}

/// Bytes of a GUID in text, which most strings are.
const GUID: usize = 36;

/// Where the first quote is. Looks at eight bytes at once, and at those of a GUID in one go.
#[inline]
fn first_quote(bytes: &[u8]) -> Option<usize> {
    if bytes.get(GUID) == Some(&b'"')
        && let Some(guid) = bytes.first_chunk::<GUID>()
        && !guid.iter().fold(false, |found, byte| found | (*byte == b'"'))
    {
        return Some(GUID);
    }
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let quotes = quotes(u64::from_le_bytes(*eight));
        if quotes != 0 {
            return Some(bytes.len() - rest.len() + quotes.trailing_zeros() as usize / 8);
        }
        rest = after;
    }
    rest.iter().position(|byte| *byte == b'"').map(|place| bytes.len() - rest.len() + place)
}

/// Marks the quotes among eight bytes, the first one lowest. Only the lowest mark is to be trusted: subtraction borrows
/// from the bytes above.
#[inline]
fn quotes(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let others = eight ^ (ONES * b'"' as u64);
    others.wrapping_sub(ONES) & !others & (ONES * 0x80)
}

impl<'a, T: Scan<'a>> Scan<'a> for Option<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        if scanner.accept("null") {
            return Some(());
        }
        self.get_or_insert_default().scan(scanner)
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for Box<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        (**self).scan(scanner)
    }
}

impl Scan<'_> for bool {
    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        *self = scanner.accept("true");
        (*self || scanner.accept("false")).then_some(())
    }
}

impl<'a> Scan<'a> for Text<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        *self = Self::borrowed(scanner.string()?);
        Some(())
    }
}

impl<W: Spelling> Scan<'_> for Word<W> {
    fn scan(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        if !scanner.accept("null") {
            *self = Self::new(W::number_of(scanner.string()?)?);
        }
        Some(())
    }
}

impl<'a, T: Scan<'a>> Scan<'a> for List<T> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        if scanner.accept("null") {
            return Some(());
        }
        let mut goes_on = scanner.open("[", "]")?;
        while goes_on {
            let mut element = T::default();
            element.scan(scanner)?;
            self.push(element);
            goes_on = scanner.goes_on("]")?;
        }
        Some(())
    }
}

impl<'a> Scan<'a> for IdSet<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        self.ids.scan(scanner)
    }
}

impl Scan<'_> for Object {
    fn scan(&mut self, _: &mut Scanner<'_>) -> Option<()> {
        None
    }
}

impl Scan<'_> for Raw<'_> {
    fn scan(&mut self, _: &mut Scanner<'_>) -> Option<()> {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::{DecideBatchRequest, DecideRequest};
    use super::*;

    /// Holds what is read here to what serde_json reads; whether anything was.
    fn is_read_alike(text: &str) -> bool {
        let mut message = DecideRequest::default();
        if read(text.as_bytes(), &mut message).is_none() {
            return false;
        }
        assert_eq!(serde_json::from_str::<DecideRequest<'_>>(text).expect("what is read here is JSON"), message);
        true
    }

    const USUAL: &str = concat!(
        r#"{"identity":{"type":"servicePrincipal","id":"12345678-aaaa-4000-8000-000000000001","appId":null,"#,
        r#""audience":"AzureADMyOrg","groups":["a","b"],"roles":[]},"resource":{"appIds":["é", "x"]},"#,
        r#""network":{"ipAddress":"203.0.113.77","compliantNetwork":false}, "risk" : {"servicePrincipal":"LOW"},"#,
        r#""device":{"isCompliant":true,"systemLabels":null},"satisfied":{"builtInControls":["mfa"]},"#,
        r#""credential":{"type":"certificate","keyId":"exactly8"},"requestId":"1","explain":null}"#,
    );

    #[test]
    fn the_usual_request_is_read() {
        let another_order =
            r#"{ "risk": {"user":"low", "signIn" :"low"}, "explain":true,"identity":{"id":"x","type":"user"} }"#;
        for text in [USUAL, another_order, "{}", " { } ", r#"{"identity":{}}"#, r#"{"platform":null}"#] {
            assert!(is_read_alike(text), "{text}");
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_others() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            "{}}",
            "{,}",
            r#"{"explain":true,}"#,
            r#"{"explain":truely}"#,
            r#"{"requestId":"a","requestId":"b"}"#,
            r#"{"identity":{},"explain":true,"identity":{}}"#,
            r#"{"explain":true,"identity":{},"explain":true}"#,
            r#"{"explain" true}"#,
            r#"{"requestId":"a\u0062"}"#,
            "{\"requestId\":\"a\tb\"}",
            "{\n}",
            r#"{"requestId":7}"#,
            r#"{"requestid":"a"}"#,
            r#"{"attributes":{}}"#,
            r#"{"platform":"beos"}"#,
            r#"{"identity":{"groups":[null]}}"#,
            r#"{"identity":{"groups":["a",]}}"#,
        ] {
            assert!(read(text.as_bytes(), &mut DecideRequest::default()).is_none(), "{text}");
        }
        assert!(read(br#"{"requests":[{}]}"#, &mut DecideBatchRequest::default()).is_none());
    }

    proptest! {
        #[test]
        fn damaged_requests_are_read_alike_or_not_at_all(
            cuts in prop::collection::vec((0..1_000_usize, 0..4_usize, "[\"\\\\{}\\[\\],: \t\na-fnul0-9é\u{1}]{0,3}"), 0..4)
        ) {
            let mut text: Vec<char> = USUAL.chars().collect();
            for (at, length, new) in cuts {
                let at = at % text.len();
                let end = text.len().min(at + length);
                text.splice(at..end, new.chars());
            }
            is_read_alike(&text.into_iter().collect::<String>());
        }

        #[test]
        fn a_string_ends_at_the_first_quote(text in "[a\"é]{0,40}|[a-f]{0,34}\"?[a-f]{1,2}\"[a\"é]{0,9}") {
            prop_assert_eq!(first_quote(text.as_bytes()), text.find('"'));
        }
    }
}
