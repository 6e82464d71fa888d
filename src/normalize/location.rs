//! A place that was shared. Its shape is not documented (facts.md 1.11), so whatever names
//! coordinates is read, and what does not is kept raw and counted.

use crate::model::{Location, Message};

use super::{fields::Fields, text};

/// Reads the place of a message: in the content, or in an object `location` within it.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    let place = content.place().key("location");
    let nested = content
        .get("location")
        .and_then(|value| Fields::of(value, place));
    let fields = nested.as_ref().unwrap_or(content);
    let location = Location {
        latitude: fields.decimal(&["latitude", "lat"], message),
        longitude: fields.decimal(&["longitude", "lng", "lon", "long"], message),
        name: fields.words("name", message),
        address: fields.words("address", message),
    };
    let words = text::words(content, "text", message).or_else(|| message.title.clone());
    let more = [location.name.as_ref(), location.address.as_ref()];
    message.text = text::joined(words, more);
    if location.latitude.is_none() || location.longitude.is_none() {
        content.note_shape("no coordinates", message);
    }
    if location != Location::default() {
        message.location = Some(Box::new(location));
    }
}
