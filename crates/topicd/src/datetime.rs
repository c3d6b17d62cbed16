//! Points in time as clients write and read them. UTC, milliseconds, Gregorian calendar.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970-01-01T00:00:00Z, in the years 0 to 9999.
///
/// `Display` writes `2015-10-28T12:18:56.799Z`: device clients cut at the dot and expect exactly
/// three digits and one `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant that can be written.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// The last one.
    pub const MAX: Self = Self(253_402_300_799_999);
    /// 1970-01-01.
    pub const EPOCH: Self = Self(0);

    /// The server's clock.
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = elapsed.map_or(0, |elapsed| elapsed.as_millis());
        Self(i64::try_from(millis).unwrap_or(Self::MAX.0))
    }

    /// From milliseconds since 1970; what lies outside of the calendar becomes its edge.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        let millis = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Reads `YYYYMMDDHHmmss`, `YYYYMMDDTHHmmss` and ISO, each with up to nine digits of a second
    /// and a zone; without a zone it is UTC.
    ///
    /// Clients page by asking again with the last datetime, punctuation stripped: that is why all
    /// separators may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Cursor(text.as_bytes());
        let year = rest.number(4)?;
        rest.skip(b"-");
        let month = rest.number(2)?;
        rest.skip(b"-");
        let day = rest.number(2)?;
        rest.skip(b"T ");
        let hour = rest.number(2)?;
        rest.skip(b":");
        let minute = rest.number(2)?;
        rest.skip(b":");
        let second = rest.number(2)?;
        let millis = rest.fraction()?;
        let zone = rest.zone()?;
        let valid = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !valid {
            return None;
        }
        let minutes = (days_since_epoch(year, month, day) * 24 + hour) * 60 + minute - zone;
        let at = (minutes * 60 + second) * 1000 + millis;
        (Self::MIN.0..=Self::MAX.0)
            .contains(&at)
            .then_some(Self(at))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_date(self.0.div_euclid(DAY));
        let millis = self.0.rem_euclid(DAY);
        let (second, milli) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

const DAY: i64 = 86_400_000;

/// What is left of a text to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn skip(&mut self, any_of: &[u8]) {
        if let [first, rest @ ..] = self.0
            && any_of.contains(first)
        {
            self.0 = rest;
        }
    }

    fn digit(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first()?;
        if !first.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        Some(i64::from(first - b'0'))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// The milliseconds; further digits are cut off.
    fn fraction(&mut self) -> Option<i64> {
        let has_point = matches!(self.0, [b'.' | b',', ..]);
        self.skip(b".,");
        let (mut millis, mut digits) = (0, 0);
        while let Some(digit) = self.digit() {
            if digits < 3 {
                millis = millis * 10 + digit;
            }
            digits += 1;
        }
        let scale = [100, 10, 1].get(digits.max(1) - 1).unwrap_or(&1);
        let fits = if has_point {
            (1..=9).contains(&digits)
        } else {
            digits <= 9
        };
        fits.then_some(millis * scale)
    }

    /// Minutes east of UTC, to the end of the text.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.0 {
            [] | [b'Z' | b'z'] => return Some(0),
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return None,
        };
        self.skip(b"+-");
        let hours = self.number(2)?;
        self.skip(b":");
        let minutes = if self.0.is_empty() {
            0
        } else {
            self.number(2)?
        };
        (self.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Years are counted from March, so that the leap day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

/// The inverse, by eras of 400 years.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn iso(text: &str) -> Option<String> {
        Timestamp::parse(text).map(|at| at.to_string())
    }

    // Contract 49
    #[test]
    fn all_spellings_of_one_instant() {
        let spellings = [
            "2015-10-28T12:18:56.799Z",
            "2015-10-28T12:18:56.799",
            "2015-10-28 12:18:56.799",
            "2015-10-28T12:18:56.799123",
            "2015-10-28T14:18:56.799+02:00",
            "2015-10-28T14:18:56.799+0200",
            "2015-10-28T10:18:56.799-02",
            "20151028T121856799Z",
            "20151028121856799",
        ];
        for text in spellings {
            assert_eq!(
                iso(text).as_deref(),
                Some("2015-10-28T12:18:56.799Z"),
                "{text}"
            );
        }
        let whole = Some("2015-10-28T12:18:56.000Z");
        assert_eq!(iso("20151028121856").as_deref(), whole);
        assert_eq!(iso("20151028T121856").as_deref(), whole);
        assert_eq!(
            iso("2015-10-28T12:18:56.5Z").as_deref(),
            Some("2015-10-28T12:18:56.500Z")
        );
    }

    // Contract 49
    #[test]
    fn what_is_no_datetime() {
        let texts = [
            "",
            "now",
            "2015",
            "20151028",
            "2015-13-01T00:00:00",
            "2015-02-29T00:00:00",
            "2015-10-28T24:00:00",
            "2015-10-28T12:60:00",
            "2015-10-28T12:18:56.Z",
            "2015-10-28T12:18:56ZZ",
            "2015-10-28T12:18:56+2",
            "2015-10-28T12:18:56.1234567890",
            "-015-10-28T12:18:56",
            "0000-01-01T00:00:00+01:00",
        ];
        for text in texts {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_edges() {
        assert_eq!(
            iso("00000101000000").as_deref(),
            Some("0000-01-01T00:00:00.000Z")
        );
        assert_eq!(Timestamp::parse("00000101000000"), Some(Timestamp::MIN));
        assert_eq!(
            Timestamp::parse("9999-12-31T23:59:59.999Z"),
            Some(Timestamp::MAX)
        );
        assert_eq!(
            Timestamp::parse("1970-01-01T00:00:00Z"),
            Some(Timestamp::EPOCH)
        );
        assert_eq!(
            iso("2000-02-29T00:00:00Z").as_deref(),
            Some("2000-02-29T00:00:00.000Z")
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
            let bare: String = at.to_string().chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(Timestamp::parse(&bare), Some(at));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:. +-]{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
