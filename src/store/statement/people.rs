//! SQL for what people bring and ask: the zone, names, what an edit changed.

use super::{Statement, statements};
use crate::store::value::Kind;

statements! {
    TIME_ZONE (0) [Text] "reading the archive's time zone"
    "select time_zone from archive where only_row = 1"

    SET_TIME_ZONE (1) [] "keeping the archive's time zone"
    "update archive set time_zone = $1 where only_row = 1"

    TIME_ZONE_OFFSETS (0) [Time Int] "reading the offsets of the archive's time zone"
    "select since, offset_seconds from time_zone_offsets order by since"

    CLEAR_TIME_ZONE_OFFSETS (0) [] "replacing the offsets of the archive's time zone"
    "delete from time_zone_offsets"
}
