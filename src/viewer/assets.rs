//! The style sheet and the icon: in the binary, under a name that changes with the version.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};

/// Where the style sheet is.
pub(super) const STYLE: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/style.css");
/// Where the icon is.
pub(super) const ICON: &str = concat!("/assets/", env!("CARGO_PKG_VERSION"), "/icon.svg");

/// The frame and the lists, then the bubbles of messages.
const STYLES: &str = concat!(include_str!("style.css"), include_str!("bubble.css"));

/// Asked for again by each visit of the browser, since a version under work changes its styles.
const CACHED: &str = "no-cache";

type Asset = ([(HeaderName, &'static str); 2], &'static str);

/// The style sheet.
pub(super) async fn style() -> Asset {
    let kind = (CONTENT_TYPE, "text/css; charset=utf-8");
    ([kind, (CACHE_CONTROL, CACHED)], STYLES)
}

/// The icon.
pub(super) async fn icon() -> Asset {
    let kind = (CONTENT_TYPE, "image/svg+xml");
    ([kind, (CACHE_CONTROL, CACHED)], include_str!("icon.svg"))
}
