//! Dates, which JavaScript sends as extensions and JSON as text.

/// The text that `Date.prototype.toJSON` gives: what the same client sends by the default parser.
///
/// Type 0 with eight bytes is notepack's own form, type -1 that of the msgpack specification.
pub(super) fn from_extension(kind: i8, data: &[u8]) -> Option<String> {
    let milliseconds = match (kind, data.len()) {
        (0, 8) => i64::from_be_bytes(data.try_into().ok()?),
        (-1, 4) => seconds(u32::from_be_bytes(data.try_into().ok()?).into(), 0)?,
        (-1, 8) => {
            let both = u64::from_be_bytes(data.try_into().ok()?);
            let nanoseconds = u32::try_from(both >> 34).ok()?;
            seconds(i64::try_from(both & 0x3_ffff_ffff).ok()?, nanoseconds)?
        }
        (-1, 12) => {
            let (nanoseconds, whole) = data.split_first_chunk()?;
            let whole = i64::from_be_bytes(whole.try_into().ok()?);
            seconds(whole, u32::from_be_bytes(*nanoseconds))?
        }
        _ => return None,
    };
    iso_8601(milliseconds)
}

fn seconds(whole: i64, nanoseconds: u32) -> Option<i64> {
    if nanoseconds >= 1_000_000_000 {
        return None;
    }
    let milliseconds = i64::from(nanoseconds.checked_div(1_000_000)?);
    whole.checked_mul(1000)?.checked_add(milliseconds)
}

/// `2026-11-25T16:50:00.000Z`. None beyond the years that this form has four digits for.
fn iso_8601(milliseconds: i64) -> Option<String> {
    let days = milliseconds.div_euclid(DAY);
    let time = milliseconds.rem_euclid(DAY);
    let (year, month, day) = civil(days)?;
    let part = |unit: i64, most: i64| time.checked_div(unit)?.checked_rem(most);
    let (hour, minute) = (part(3_600_000, 24)?, part(60_000, 60)?);
    let (second, millisecond) = (part(1000, 60)?, part(1, 1000)?);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
    ))
}

/// Year, month and day of a day counted from 1970, for the years 0 to 9999.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "the days are checked to lie within ten thousand years"
)]
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    if !(-TO_1970..TO_10000).contains(&days) {
        return None;
    }
    // Eras of 400 years and years that begin in March, so that the leap day is the last of both.
    let (era, day) = ((days + TO_1970) / ERA, (days + TO_1970) % ERA);
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Some((year, month, day_of_month))
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Days of 400 years.
const ERA: i64 = 146_097;
/// Days from the first of March in year 0 to 1970.
const TO_1970: i64 = 719_468;
/// Days from 1970 to year 10,000.
const TO_10000: i64 = 2_932_897;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_javascript_writes() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_764_089_404_567, "2025-11-25T16:50:04.567Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_162_035_200_000, "0000-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso_8601(milliseconds).as_deref(), Some(text));
        }
        for beyond in [253_402_300_800_000, -62_162_035_200_001, i64::MAX, i64::MIN] {
            assert_eq!(iso_8601(beyond), None);
        }
    }

    #[test]
    fn both_forms_are_read() {
        let epoch = Some("1970-01-01T00:00:01.500Z".into());
        assert_eq!(from_extension(0, &1500_i64.to_be_bytes()), epoch);
        let packed: u64 = (500_000_000 << 34) | 1;
        assert_eq!(from_extension(-1, &packed.to_be_bytes()), epoch);
        let long = [&500_000_000_u32.to_be_bytes()[..], &1_i64.to_be_bytes()].concat();
        assert_eq!(from_extension(-1, &long), epoch);
        let whole = Some("1970-01-01T00:00:01.000Z".into());
        assert_eq!(from_extension(-1, &1_u32.to_be_bytes()), whole);
        assert_eq!(from_extension(5, &[0; 8]), None);
        assert_eq!(from_extension(-1, &[0xff; 12]), None);
    }
}
