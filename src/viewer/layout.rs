//! The frame of every page: head, menu, foot; and what lists share.

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::assets;

/// Which entry of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// None of them.
    None,
    /// The overview.
    Overview,
    /// Conversations and messages.
    Conversations,
    /// What a search found.
    Search,
    /// Runs.
    Runs,
    /// Failures.
    Failures,
    /// Oddities.
    Anomalies,
}

const MENU: [(Part, &str, &str); 6] = [
    (Part::Overview, "/", "Overview"),
    (Part::Conversations, "/conversations", "Conversations"),
    (Part::Search, "/search", "Search"),
    (Part::Runs, "/runs", "Runs"),
    (Part::Failures, "/failures", "Failures"),
    (Part::Anomalies, "/anomalies", "Oddities"),
];

/// A page.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its title.
    pub(super) title: String,
    /// Where it belongs.
    pub(super) part: Part,
    /// The name of the archive; nothing is told of it to who may not read it.
    pub(super) archive: Option<String>,
    /// The zone of its times, where it shows any.
    pub(super) zone: Option<String>,
    /// What it shows.
    pub(super) body: Markup,
}

impl Frame {
    fn page(&self) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (self.title) " · convault" }
                    link rel="stylesheet" href=(assets::STYLE);
                    link rel="icon" type="image/svg+xml" href=(assets::ICON);
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        a.brand href="/" { img src=(assets::ICON) alt="" width="24" height="24"; "convault" }
                        nav aria-label="Pages" {
                            ul {
                                @for (part, address, name) in MENU {
                                    li { a href=(address) aria-current=[(part == self.part).then_some("page")] { (name) } }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" { (self.body) }
                    footer.foot { (self.foot()) }
                }
            }
        }
    }

    fn foot(&self) -> Markup {
        html! {
            @if let Some(archive) = &self.archive {
                p { "Archive " code { (archive) } ", only read. Nothing here is loaded from elsewhere." }
            }
            @if let Some(zone) = &self.zone {
                p { "Times are local to " strong { (zone) } ", the archive's zone." }
            }
        }
    }
}

impl IntoResponse for Frame {
    fn into_response(self) -> Response {
        let kind = (CONTENT_TYPE, "text/html; charset=utf-8");
        ([kind], self.page().into_string()).into_response()
    }
}

/// A wide table, which scrolls by itself where the screen is narrow; the keyboard reaches it.
pub(super) fn wide(label: &str, table: &Markup) -> Markup {
    html! {
        div.wide role="region" aria-label=(label) tabindex="0" { (table) }
    }
}

/// The links below a list: to its beginning, and on.
pub(super) fn onward(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.onward aria-label="More of this list" {
                @if let Some(first) = first { a.button href=(first) { "From the beginning" } }
                @if let Some(next) = next { a.button rel="next" href=(next) { "Next page" } }
            }
        }
    }
}

/// An outcome or a state as a coloured word.
pub(super) fn badge(word: &str) -> Markup {
    let look = match word {
        "complete" => "good",
        "pending" | "running or killed" | "interrupted" | "terminated" => "idle",
        "partial" | "incomplete" | "waived" | "resolved" => "fair",
        _ => "bad",
    };
    html! { span.badge.(look) { (word) } }
}
