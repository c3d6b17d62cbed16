//! The grammar of a packet in text form (EIO4 2.4, EIO3 3.2):
//!
//! ```text
//! packet-4 = "b" base64 / type data
//! packet-3 = "b" type base64 / type data
//! type     = "0" / "1" / "2" / "3" / "4" / "5" / "6"
//! data     = *any
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use nom::{
    IResult, Parser,
    branch::alt,
    character::complete::{anychar, char},
    combinator::{cut, map_opt, rest},
    sequence::preceded,
};

use super::PacketType;
use crate::{PacketError, Version};

/// A packet taken apart; base64 is not decoded yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    Plain(PacketType, &'a str),
    Base64(PacketType, &'a str),
}

/// Takes a whole packet apart.
pub(super) fn packet(version: Version, input: &str) -> Result<Form<'_>, PacketError> {
    let parsed = match version {
        Version::V3 => alt((typed_base64, plain)).parse(input),
        Version::V4 => alt((base64, plain)).parse(input),
    };
    match parsed {
        Ok((_, form)) => Ok(form),
        Err(nom::Err::Error(error) | nom::Err::Failure(error)) if !error.input.is_empty() => {
            Err(PacketError::UnknownType)
        }
        Err(_) => Err(PacketError::Empty),
    }
}

/// `type data`
fn plain(input: &str) -> IResult<&str, Form<'_>> {
    (packet_type, rest)
        .map(|(kind, data)| Form::Plain(kind, data))
        .parse(input)
}

/// `"b" base64`: a message, without a type.
fn base64(input: &str) -> IResult<&str, Form<'_>> {
    preceded(char('b'), rest)
        .map(|data| Form::Base64(PacketType::Message, data))
        .parse(input)
}

/// `"b" type base64`: once the `b` is read, nothing else can match.
fn typed_base64(input: &str) -> IResult<&str, Form<'_>> {
    preceded(char('b'), cut((packet_type, rest)))
        .map(|(kind, data)| Form::Base64(kind, data))
        .parse(input)
}

fn packet_type(input: &str) -> IResult<&str, PacketType> {
    let number = map_opt(anychar, |digit| u8::try_from(digit.to_digit(10)?).ok());
    map_opt(number, PacketType::from_number).parse(input)
}
