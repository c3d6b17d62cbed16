//! The grammar of a packet's text (SIO5 5):
//!
//! ```text
//! packet      = type [attachments "-"] [namespace [","]] [ack-id] payload
//! type        = "0" / "1" / "2" / "3" / "4" / "5" / "6"
//! attachments = nonzero *DIGIT             ; types 5 and 6 only, and then required
//! namespace   = "/" *not-comma
//! ack-id      = 1*DIGIT
//! payload     = *any
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use nom::{
    IResult, Parser,
    bytes::complete::take_till,
    character::complete::{anychar, char, digit0, digit1},
    combinator::{map_opt, opt, recognize, rest},
    sequence::{preceded, terminated},
};

use crate::{AckId, PacketError, PacketType};

/// A packet taken apart; its payload is not looked at yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(crate) kind: PacketType,
    /// How many attachments are announced; 0 for the types without.
    pub(crate) attachments: usize,
    /// With the query that protocol 4 may put behind it.
    pub(crate) namespace: &'a str,
    pub(crate) ack: Option<AckId>,
    pub(crate) payload: &'a str,
}

/// Takes a whole packet apart.
pub(crate) fn packet(input: &str) -> Result<Header<'_>, PacketError> {
    let (input, kind) = part(packet_type, input, PacketError::UnknownType)?;
    let (input, attachments) = match kind {
        PacketType::BinaryEvent | PacketType::BinaryAck => {
            part(attachments, input, PacketError::AttachmentCount)?
        }
        _ => (input, 0),
    };
    let (input, namespace) = part(opt(namespace), input, PacketError::Namespace)?;
    let (input, digits) = part(opt(digit1), input, PacketError::AckId)?;
    let ack = digits
        .map(str::parse)
        .transpose()
        .map_err(|_| PacketError::AckId)?;
    let (_, payload) = part(rest, input, PacketError::Payload)?;
    let (namespace, ack) = (namespace.unwrap_or("/"), ack.map(AckId::new));
    Ok(Header {
        kind,
        attachments,
        namespace,
        ack,
        payload,
    })
}

/// One part of the grammar, with the error that its absence means.
fn part<'a, O>(
    mut parser: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
    input: &'a str,
    error: PacketError,
) -> Result<(&'a str, O), PacketError> {
    parser.parse(input).map_err(|_| error)
}

fn packet_type(input: &str) -> IResult<&str, PacketType> {
    let known = |digit: char| PacketType::ALL.get(digit.to_digit(10)? as usize).copied();
    map_opt(anychar, known).parse(input)
}

/// `nonzero *DIGIT "-"`
fn attachments(input: &str) -> IResult<&str, usize> {
    let nonzero = map_opt(anychar, |digit| ('1'..='9').contains(&digit).then_some(()));
    let number = map_opt(recognize((nonzero, digit0)), |digits: &str| {
        digits.parse().ok()
    });
    terminated(number, char('-')).parse(input)
}

/// Everything up to the comma, which clients of the 1.x line leave out at the end.
fn namespace(input: &str) -> IResult<&str, &str> {
    let name = recognize(preceded(char('/'), take_till(|c| c == ',')));
    terminated(name, opt(char(','))).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> (PacketType, usize, &str, Option<u64>, &str) {
        let header = packet(text).unwrap();
        let ack = header.ack.map(AckId::number);
        (
            header.kind,
            header.attachments,
            header.namespace,
            ack,
            header.payload,
        )
    }

    #[test]
    fn every_part_may_be_missing() {
        use PacketType::*;
        assert_eq!(header("0"), (Connect, 0, "/", None, ""));
        assert_eq!(header(r#"2["a"]"#), (Event, 0, "/", None, r#"["a"]"#));
        assert_eq!(header(r#"2/n,["a"]"#), (Event, 0, "/n", None, r#"["a"]"#));
        assert_eq!(header(r#"212["a"]"#), (Event, 0, "/", Some(12), r#"["a"]"#));
        let full = header(r#"52-/n,3["a",{}]"#);
        assert_eq!(full, (BinaryEvent, 2, "/n", Some(3), r#"["a",{}]"#));
    }

    // N5, N12, D13, D14
    #[test]
    fn a_namespace_ends_at_the_comma_or_the_end() {
        assert_eq!(header("0/custom").2, "/custom");
        assert_eq!(header("0/,").2, "/");
        assert_eq!(header("0/"), header("0/,"));
        assert_eq!(header(r#"2/,5["x"]"#).3, Some(5));
        assert_eq!(header(r#"2/["x"]"#).2, r#"/["x"]"#);
    }

    // D2
    #[test]
    fn an_unknown_type_is_none() {
        for text in ["", "7", "9[1]", "abc", "é"] {
            assert_eq!(packet(text), Err(PacketError::UnknownType), "{text}");
        }
    }

    // Y9, Y11, Y13
    #[test]
    fn an_attachment_count_is_a_plain_positive_number() {
        for text in [
            "5", "5[]", "5-[]", "50-[]", "501-[]", "5 1-[]", "51e0-[]", "50x1-[]",
        ] {
            assert_eq!(packet(text), Err(PacketError::AttachmentCount), "{text}");
        }
        assert_eq!(header("51000000000000-[]").1, 1_000_000_000_000);
        assert_eq!(
            packet("599999999999999999999-[]"),
            Err(PacketError::AttachmentCount)
        );
    }

    // A2, A3
    #[test]
    fn ack_ids_are_exact_and_bounded() {
        assert_eq!(header("2007[]").3, Some(7));
        assert_eq!(header("318446744073709551615[]").3, Some(u64::MAX));
        assert_eq!(packet("318446744073709551616[]"), Err(PacketError::AckId));
    }
}
