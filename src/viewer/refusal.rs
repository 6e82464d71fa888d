//! Why there is no page, and what the person can do now.

use axum::{
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};

use super::{
    guard,
    layout::{Frame, Part},
};
use crate::store::StoreError;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No page has this address.
    NoPage(String),
    /// The archive does not hold this.
    NotArchived {
        /// What kind of thing: `conversation`, `message`, `run`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A parameter without which there is nothing to show.
    Missing(&'static str),
    /// A parameter that cannot be read.
    Unreadable(&'static str),
    /// An address that is too long.
    TooLong,
    /// Something else than to read was asked for.
    Method,
    /// Under no name at all.
    NoHost,
    /// Under a name that is not one of this site.
    ForeignHost(String),
    /// The archive could not be read.
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Every address that has no page.
pub(super) async fn no_such_page(uri: Uri) -> Refusal {
    Refusal::NoPage(uri.path().to_owned())
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoPage(_) | Self::NotArchived { .. } => StatusCode::NOT_FOUND,
            Self::Missing(_) | Self::Unreadable(_) | Self::NoHost => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignHost(_) => StatusCode::FORBIDDEN,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NoPage(_) => "No such page",
            Self::NotArchived { .. } => "Not in this archive",
            Self::Missing(_) | Self::Unreadable(_) | Self::TooLong => "That address is not whole",
            Self::Method => "This site only shows",
            Self::NoHost | Self::ForeignHost(_) => "Not under this name",
            Self::Store(_) => "The archive could not be read",
        }
    }

    fn words(&self) -> Markup {
        match self {
            Self::NoPage(path) => html! {
                p { "There is nothing at " code { (path) } "." }
                p { "The pages of this site are in the menu above." }
            },
            Self::NotArchived { what, id } => html! {
                p { "The archive holds no " (what) " " code dir="auto" { (id) } "." }
                p {
                    "Ids are told apart to the letter. The "
                    a href="/conversations" { "list of conversations" }
                    " finds one by a part of its id; what no run has listed yet is not there."
                }
            },
            Self::Missing(name) => html! {
                p { "The address lacks the parameter " code { (name) } "." }
                p { "Begin at the " a href="/" { "overview" } "." }
            },
            Self::Unreadable(name) => html! {
                p { "The parameter " code { (name) } " of the address cannot be read." }
                p { "Go back and follow the link again, or begin at the " a href="/" { "overview" } "." }
            },
            Self::TooLong => html! { p { "The address is too long to be one of this site." } },
            Self::Method => html! {
                p { "Nothing can be changed here: only GET and HEAD are answered." }
            },
            Self::NoHost => html! {
                p { "The request does not say, once, under which name it asks for this site." }
            },
            Self::ForeignHost(host) => html! {
                p { "This site does not answer under the name " code { (host) } ", so that no page from elsewhere can read the archive through your browser." }
                p { "If the name is meant to lead here, start " code { "convault serve" } " with " code { "--allow-host" } " and this name." }
            },
            Self::Store(error) => html! {
                p { (error) }
                p { "Load the page again in a moment; " code { "convault doctor" } " looks at the database and says more." }
            },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::warn!(%error, "a page could not be shown");
        }
        let frame = Frame {
            title: self.title().to_owned(),
            part: Part::None,
            archive: None,
            zone: None,
            body: html! {
                h1 { (self.title()) }
                (self.words())
            },
        };
        let mut headers = HeaderMap::new();
        if matches!(self, Self::Method) {
            headers.extend([guard::allowed_methods()]);
        }
        (self.status(), headers, frame).into_response()
    }
}
