//! Business hours, and times as the gateway writes them.
//!
//! A conversation's time line is laid out in *shop time*, which only runs from 09:00 to 21:00 of
//! a shop at UTC+8, and is mapped onto the real one by a monotone function, so that
//! order is never lost. Night owls use the real one.

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The part of a day in which the shop is open.
pub(super) const OPEN_MS: i64 = 12 * HOUR_MS;
/// 09:00 at UTC+8.
const OPENS_MS: i64 = HOUR_MS;

/// The real time, in milliseconds since 1970, of a point of shop time.
pub(super) const fn real_of_shop(shop_ms: i64) -> i64 {
    shop_ms.div_euclid(OPEN_MS) * DAY_MS + OPENS_MS + shop_ms.rem_euclid(OPEN_MS)
}

/// The last point of shop time that is not after `real_ms`.
pub(super) fn shop_of_real(real_ms: i64) -> i64 {
    let within = (real_ms.rem_euclid(DAY_MS) - OPENS_MS).clamp(-1, OPEN_MS - 1);
    real_ms.div_euclid(DAY_MS) * OPEN_MS + within
}

/// Writes `2024-12-10T09:53:17.127Z`.
pub(crate) fn write_time(out: &mut Vec<u8>, millis: i64) {
    let (year, month, day) = civil(millis.div_euclid(DAY_MS));
    let within = millis.rem_euclid(DAY_MS);
    digits(out, year, 4);
    for (mark, value) in [(b'-', month), (b'-', day), (b'T', within / HOUR_MS)] {
        out.push(mark);
        digits(out, value, 2);
    }
    out.push(b':');
    digits(out, within / 60_000 % 60, 2);
    out.push(b':');
    digits(out, within / 1_000 % 60, 2);
    out.push(b'.');
    digits(out, within % 1_000, 3);
    out.push(b'Z');
}

fn digits(out: &mut Vec<u8>, mut value: i64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(value.rem_euclid(10)).expect("a digit is below 10");
        value = value.div_euclid(10);
    }
}

/// Year, month and day of a day counted from 1970-01-01 (Gregorian; Howard Hinnant's algorithm).
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn times_are_written_as_the_gateway_writes_them() {
        for millis in [
            0,
            -1,
            1_733_824_397_127,
            951_782_400_000,
            1_709_164_800_001,
            1_782_820_800_000,
            4_102_444_799_999,
        ] {
            let mut out = Vec::new();
            write_time(&mut out, millis);
            let expected = Timestamp::from_millis(millis).to_string();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn shop_time_is_monotone_and_within_opening_hours() {
        let mut last = i64::MIN;
        for shop in (0..5 * OPEN_MS).step_by(1_234_567) {
            let real = real_of_shop(shop);
            assert!(real > last);
            assert!((HOUR_MS..13 * HOUR_MS).contains(&real.rem_euclid(DAY_MS)));
            assert_eq!(shop_of_real(real), shop);
            last = real;
        }
        for real in (0..3 * DAY_MS).step_by(1_234_567) {
            assert!(real_of_shop(shop_of_real(real)) <= real);
        }
    }
}
