//! How oddities are noted: in the order met, at most [`ANOMALIES_MAX`] a message.

use std::fmt::Display;

use crate::model::{Anomaly, AnomalyKind, Message};

/// How many anomalies of one message are kept; the last says that there were more.
pub(super) const ANOMALIES_MAX: usize = 100;

/// Notes an oddity. `detail` never holds text of the message.
pub(super) fn note(
    message: &mut Message,
    kind: AnomalyKind,
    place: &dyn Display,
    detail: impl Into<String>,
) {
    let kept = message.anomalies.len();
    if kept >= ANOMALIES_MAX {
        return;
    }
    // The kind that the report counts by must not be lost in a flood of others.
    let is_last = kept + 1 == ANOMALIES_MAX;
    let is_counted = matches!(kind, AnomalyKind::UnknownType | AnomalyKind::UnknownShape);
    if is_last && !is_counted {
        return;
    }
    let mut detail = detail.into();
    if is_last {
        detail.push_str("; more is not listed");
    }
    message.anomalies.push(Anomaly {
        kind,
        path: place.to_string(),
        detail,
    });
}

/// A name from outside, fit to be shown: no control characters, at most 60 characters.
pub(super) fn shown(name: &str) -> String {
    const NAME_CHARS_MAX: usize = 60;
    name.chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS_MAX)
        .collect()
}
