//! The frame of every page: its head with the policy and the style, and the links around it.

use maud::{Markup, PreEscaped, html};

use crate::page::{STYLE, content_security_policy};

/// Everything before what a page is about; leaves `main` open.
pub(super) fn begin(title: &str, header: &Markup) -> String {
    let head = html! {
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(content_security_policy());
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="referrer" content="no-referrer";
        meta name="color-scheme" content="light dark";
        title { (title) }
        style { (PreEscaped(STYLE)) }
    };
    let (head, header) = (head.into_string(), header.0.as_str());
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head>{head}</head>\n<body><header>{header}</header>\n<main>\n"
    )
}

/// Everything after it.
pub(super) fn end(footer: &Markup) -> String {
    format!("</main>\n<footer>{}</footer></body></html>\n", footer.0)
}

/// Links to the pages around.
pub(super) fn links(links: &[(&str, Option<String>)]) -> Markup {
    html! {
        nav {
            @for (words, to) in links {
                @if let Some(to) = to { a href=(to) { (words) } " " }
            }
        }
    }
}
