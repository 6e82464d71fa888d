//! `whatsapp.template`: a text with `{{1}}`, `{{2}}` … and the variables to fill in.

use crate::{
    model::{AnomalyKind, Message, TemplateVariable, Text},
    wire::Json,
};

use super::{
    anomaly::note,
    fields::{Fields, scalar},
    text,
};

/// How long a filled-in text may get: a short template can name a long variable many times.
const FILLED_BYTES_MAX: usize = 1024 * 1024;

/// Reads a template: the text filled in, for search, and the variables.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    read_variables(content, message);
    let Some(template) = text::words(content, "text", message) else {
        message.text = message.title.clone();
        content.note_shape("no text", message);
        return;
    };
    let filled = fill(&template, &message.template_variables);
    if filled.is_none() {
        content.note_shape("too long to fill in", message);
    }
    message.text = Some(filled.map_or(template, Text::from));
}

fn read_variables(content: &Fields<'_>, message: &mut Message) {
    match content.get("variables") {
        None => {}
        Some(Json::Array(values)) => {
            let place = content.place().key("variables");
            for (index, value) in values.iter().enumerate() {
                if !matches!(value, Json::String(_) | Json::Number(_)) {
                    let here = place.index(index);
                    note(message, AnomalyKind::WrongType, &here, value.describe());
                }
                message.template_variables.push(TemplateVariable {
                    position: u32::try_from(index + 1).unwrap_or(u32::MAX),
                    value: scalar(value, message).or_else(|| text::within(value)),
                });
            }
        }
        Some(other) => content.note_type("variables", other, message),
    }
}

/// Fills in what there is; a placeholder without a value stays. What is filled in is not looked
/// at again. `None` if it would get too long.
fn fill(template: &str, variables: &[TemplateVariable]) -> Option<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        filled.push_str(&rest[..open]);
        let inside = &rest[open + 2..];
        let value =
            closing(inside).and_then(|close| Some((value_of(&inside[..close], variables)?, close)));
        if let Some((value, close)) = value {
            filled.push_str(value);
            rest = &inside[close + 2..];
        } else {
            // One brace only: the next may open a placeholder.
            filled.push('{');
            rest = &rest[open + 1..];
        }
        if filled.len() > template.len() + FILLED_BYTES_MAX {
            return None;
        }
    }
    filled.push_str(rest);
    Some(filled)
}

/// Where a placeholder ends; a number and some space are short, so the search is.
fn closing(inside: &str) -> Option<usize> {
    const LENGTH_MAX: usize = 24;
    let bytes = inside.as_bytes();
    let near = bytes.get(..LENGTH_MAX).unwrap_or(bytes);
    near.windows(2).position(|pair| pair == b"}}")
}

fn value_of<'a>(placeholder: &str, variables: &'a [TemplateVariable]) -> Option<&'a str> {
    let number: usize = placeholder.trim().parse().ok()?;
    variables.get(number.checked_sub(1)?)?.value.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, values: &[Option<&str>]) -> Option<String> {
        let variables: Vec<TemplateVariable> = (1..)
            .zip(values)
            .map(|(position, value)| TemplateVariable {
                position,
                value: value.map(Text::from),
            })
            .collect();
        fill(template, &variables)
    }

    #[test]
    fn placeholders_count_from_one_and_stay_where_nothing_fits() {
        for (template, text) in [
            ("Hi {{1}}, order {{2}}.", "Hi Ann, order {{1}}."),
            ("{{ 1 }}{{1}}", "AnnAnn"),
            (
                "{{0}} {{4}} {{x}} {{}} {{3}}",
                "{{0}} {{4}} {{x}} {{}} {{3}}",
            ),
            ("{{{1}}}", "{Ann}"),
            ("{{1", "{{1"),
            ("é{{1}}é{", "éAnné{"),
        ] {
            let values = [Some("Ann"), Some("{{1}}"), None];
            assert_eq!(
                filled(template, &values).as_deref(),
                Some(text),
                "{template}"
            );
        }
    }

    #[test]
    fn a_short_template_cannot_fill_the_memory() {
        let long = "x".repeat(FILLED_BYTES_MAX);
        assert_eq!(filled(&"{{1}}".repeat(1000), &[Some(&long)]), None);
        assert!(filled("{{1}}", &[Some(&long)]).is_some());
    }

    #[test]
    fn open_braces_without_end_are_read_in_linear_time() {
        let braces = "{".repeat(200_000);
        assert_eq!(filled(&braces, &[Some("x")]).as_deref(), Some(&*braces));
    }
}
