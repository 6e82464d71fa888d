//! Charts as inline SVG, each with its numbers as a table beside it. Colours are of the style
//! sheet: an attribute with styles would be against the policy of the site.

use maud::{Markup, html};

use super::{
    figures::grouped,
    layout::{badge, wide},
};
use crate::store::DayVolume;

/// The height of a chart in its own units; the style sheet gives it a size.
const HEIGHT: u64 = 1_000;

/// Messages of each day: those from contacts above those to them.
pub(super) fn volume(days: &[DayVolume]) -> Markup {
    let largest = days.iter().map(|day| day.messages).max().unwrap_or(0);
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return html! { p.empty { "No message is archived yet." } };
    };
    let all: u64 = days.iter().map(|day| day.messages).sum();
    let label = format!(
        "{} messages from {} to {}, at most {} on one day",
        grouped(all),
        first.day,
        last.day,
        grouped(largest)
    );
    html! {
        figure.chart {
            figcaption {
                span.key.outbound { "to contacts" } " " span.key.inbound { "from contacts" } " "
                span.key.unknown { "unknown" } span.top-value { "at most " (grouped(largest)) " a day" }
            }
            svg viewBox=(format!("0 0 {} {HEIGHT}", days.len() * 10)) preserveAspectRatio="none" role="img" aria-label=(label) {
                @for (place, day) in days.iter().enumerate() { (bar(place, day, largest.max(1))) }
            }
            p.axis { span { (first.day) } span { (days[days.len() / 2].day) } span { (last.day) } }
        }
        details {
            summary { "The numbers" }
            (wide("The numbers of each day", &numbers(days)))
        }
    }
}

fn bar(place: usize, day: &DayVolume, largest: u64) -> Markup {
    let height = |number: u64| number * HEIGHT / largest;
    let unknown = day.messages.saturating_sub(day.inbound + day.outbound);
    let mut top = HEIGHT;
    let parts = [
        ("outbound", day.outbound),
        ("inbound", day.inbound),
        ("unknown", unknown),
    ];
    let parts = parts.map(|(side, number)| {
        top = top.saturating_sub(height(number));
        (side, top, height(number))
    });
    html! {
        g {
            title { (day.day) ": " (grouped(day.messages)) }
            @for (side, top, height) in parts {
                @if height > 0 { rect.(side) x=(place * 10 + 1) y=(top) width="8" height=(height) {} }
            }
        }
    }
}

fn numbers(days: &[DayVolume]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Day" } th.number scope="col" { "Messages" }
                    th.number scope="col" { "From contacts" } th.number scope="col" { "To contacts" }
                }
            }
            tbody {
                @for day in days.iter().rev().filter(|day| day.messages > 0) {
                    tr {
                        th scope="row" { (day.day) }
                        td.number { (grouped(day.messages)) }
                        td.number { (grouped(day.inbound)) }
                        td.number { (grouped(day.outbound)) }
                    }
                }
            }
        }
    }
}

/// Conversations by state, as one bar and a table; `count` shows a number as a link.
pub(super) fn coverage(states: &[(String, u64)], count: fn(&str, u64) -> Markup) -> Markup {
    let all: u64 = states.iter().map(|(_, number)| number).sum();
    let states: Vec<_> = states.iter().filter(|(_, number)| *number > 0).collect();
    if all == 0 {
        return html! { p.empty { "No conversation is listed yet." } };
    }
    let mut left = 0;
    let parts: Vec<_> = states
        .iter()
        .map(|(state, number)| {
            // What there is shows, however little of the whole it is.
            let width = (number * HEIGHT / all).max(4);
            left += width;
            (state.as_str(), left - width, width)
        })
        .collect();
    html! {
        svg.coverage viewBox=(format!("0 0 {left} 10")) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (state, left, width) in parts { rect.(state) x=(left) y="0" width=(width) height="10" {} }
        }
        table.narrow {
            thead { tr { th scope="col" { "State" } th.number scope="col" { "Conversations" } th.number scope="col" { "Share" } } }
            tbody {
                @for (state, number) in &states {
                    tr {
                        th scope="row" { (badge(state)) }
                        td.number { (count(state, *number)) }
                        td.number { (share(*number, all)) }
                    }
                }
            }
        }
    }
}

/// Rounded down, so that only the whole is 100 %.
fn share(number: u64, all: u64) -> String {
    let tenths = number * 1_000 / all.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_is_a_hundred_per_cent() {
        assert_eq!(share(9_999, 10_000), "99.9 %");
        assert_eq!(share(5, 5), "100.0 %");
        assert_eq!(share(0, 0), "0.0 %");
    }

    #[test]
    fn the_bars_of_a_day_are_as_high_as_its_messages_together() {
        let day = DayVolume {
            day: "2026-06-30".to_owned(),
            messages: 10,
            inbound: 5,
            outbound: 4,
        };
        let shown = bar(3, &day, 20).into_string();
        assert!(shown.contains("class=\"outbound\" x=\"31\" y=\"800\" width=\"8\" height=\"200\""));
        assert!(shown.contains("class=\"inbound\" x=\"31\" y=\"550\" width=\"8\" height=\"250\""));
        assert!(shown.contains("class=\"unknown\" x=\"31\" y=\"500\" width=\"8\" height=\"50\""));
    }
}
