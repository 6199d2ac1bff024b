//! Reading protobuf into borrowed messages, and writing the pieces of an answer.
//!
//! Keys, varints and skipping are prost's. As protobuf demands, a field that comes twice is the last one, lists grow,
//! messages merge, and unknown fields are passed over.

use prost::Message;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_varint, encoded_len_varint, skip_field,
};

use super::list::List;
use super::message::{Object, Raw, Text, Word};

/// The bytes are no protobuf message of this kind.
#[derive(Debug)]
pub struct Malformed;

impl From<prost::DecodeError> for Malformed {
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

type Result<T> = std::result::Result<T, Malformed>;

/// Something that a field can hold.
pub trait Value<'a>: Default {
    /// Takes in one occurrence of the field. A message takes in its fields.
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        self.merge_fields(delimited(wire, buffer)?)
    }

    /// Takes in the fields of a message.
    fn merge_fields(&mut self, _buffer: &'a [u8]) -> Result<()> {
        Err(Malformed)
    }

    /// Takes in one occurrence of a field that may come often.
    fn merge_item(list: &mut List<Self>, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        let mut item = Self::default();
        item.merge(wire, buffer)?;
        list.push(item);
        Ok(())
    }
}

/// Number and wire type of the next field; `None` at the end of the message.
pub(super) fn key(buffer: &mut &[u8]) -> Result<Option<(u32, WireType)>> {
    if buffer.is_empty() { Ok(None) } else { Ok(Some(decode_key(buffer)?)) }
}

/// Passes over a field.
pub(super) fn skip(number: u32, wire: WireType, buffer: &mut &[u8]) -> Result<()> {
    Ok(skip_field(wire, number, buffer, DecodeContext::default())?)
}

fn delimited<'a>(wire: WireType, buffer: &mut &'a [u8]) -> Result<&'a [u8]> {
    if wire != WireType::LengthDelimited {
        return Err(Malformed);
    }
    let length = usize::try_from(decode_varint(buffer)?).map_err(|_| Malformed)?;
    let (value, rest) = buffer.split_at_checked(length).ok_or(Malformed)?;
    *buffer = rest;
    Ok(value)
}

fn varint(wire: WireType, buffer: &mut &[u8]) -> Result<u64> {
    if wire == WireType::Varint { Ok(decode_varint(buffer)?) } else { Err(Malformed) }
}

impl<'a> Value<'a> for Text<'a> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        let text = std::str::from_utf8(delimited(wire, buffer)?).map_err(|_| Malformed)?;
        *self = Text(text.into());
        Ok(())
    }
}

impl<'a> Value<'a> for Raw<'a> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        *self = Raw(delimited(wire, buffer)?);
        Ok(())
    }
}

impl<'a> Value<'a> for bool {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        *self = varint(wire, buffer)? != 0;
        Ok(())
    }
}

/// An enum number is 32 bits; protobuf cuts longer ones.
#[expect(clippy::cast_possible_truncation, reason = "as protobuf demands")]
const fn number(varint: u64) -> i32 {
    varint as i32
}

impl<'a, W> Value<'a> for Word<W> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        *self = Self::new(number(varint(wire, buffer)?));
        Ok(())
    }

    /// Packed or one by one.
    fn merge_item(list: &mut List<Self>, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        if wire != WireType::LengthDelimited {
            list.push(Self::new(number(varint(wire, buffer)?)));
            return Ok(());
        }
        let mut packed = delimited(wire, buffer)?;
        while !packed.is_empty() {
            list.push(Self::new(number(decode_varint(&mut packed)?)));
        }
        Ok(())
    }
}

impl<'a> Value<'a> for Object {
    fn merge_fields(&mut self, mut buffer: &'a [u8]) -> Result<()> {
        Ok(self.0.merge(&mut buffer)?)
    }
}

impl<'a, T: Value<'a>> Value<'a> for Option<T> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        self.get_or_insert_default().merge(wire, buffer)
    }
}

impl<'a, T: Value<'a>> Value<'a> for Box<T> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        (**self).merge(wire, buffer)
    }
}

impl<'a, T: Value<'a>> Value<'a> for List<T> {
    fn merge(&mut self, wire: WireType, buffer: &mut &'a [u8]) -> Result<()> {
        T::merge_item(self, wire, buffer)
    }
}

/// Writes an enum field.
pub(super) fn write_number(out: &mut Vec<u8>, field: u32, number: i32) {
    encode_varint(u64::from(field << 3), out);
    encode_varint(i64::from(number).cast_unsigned(), out);
}

/// Writes a text field; an empty one is not written.
pub(super) fn write_text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        write_length(out, field, text.len());
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes what stands before a message or text of `length` bytes.
pub(super) fn write_length(out: &mut Vec<u8>, field: u32, length: usize) {
    encode_varint(u64::from(field << 3 | 2), out);
    encode_varint(length as u64, out);
}

/// How many bytes [`write_text`] writes for a field below 16.
pub(super) fn text_length(text: &str) -> usize {
    if text.is_empty() { 0 } else { 1 + encoded_len_varint(text.len() as u64) + text.len() }
}
