//! The index: a line for each conversation, a thousand of them a page.

use std::io::Write as _;

use maud::{Markup, html};

use super::{About, ExportError, FileEntry, Path, Sink, create, frame, index_path, whilst_writing};

/// Lines of a page.
pub(super) const PAGE_LINES: u64 = 1_000;

/// A conversation in the index.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) path: String,
    pub(super) pages: u64,
    pub(super) id: String,
    /// Names of people in it, the first few.
    pub(super) people: Vec<String>,
    pub(super) messages: u64,
    pub(super) deleted: u64,
    pub(super) first: String,
    pub(super) last: String,
    /// `complete` and so on, where it is known for the moment of the export.
    pub(super) state: Option<&'static str>,
}

/// The index while it is written.
#[derive(Debug, Default)]
pub(super) struct Index {
    page: u64,
    lines: u64,
    sink: Option<Sink>,
}

impl Index {
    /// Adds a line; gives the page that was ended for it.
    pub(super) fn add(
        &mut self,
        folder: &Path,
        about: &About,
        line: &Line,
    ) -> Result<Option<FileEntry>, ExportError> {
        let mut ended = None;
        if self.lines > 0 && self.lines.is_multiple_of(PAGE_LINES) {
            ended = Some(self.end_page(folder, true)?);
        }
        if self.sink.is_none() {
            self.begin_page(folder, about)?;
        }
        self.lines += 1;
        self.write(folder, &row(line).0)?;
        Ok(ended)
    }

    /// Ends the last page; an index of nothing has one page that says so.
    pub(super) fn finish(mut self, folder: &Path, about: &About) -> Result<FileEntry, ExportError> {
        if self.sink.is_none() {
            self.begin_page(folder, about)?;
        }
        self.end_page(folder, false)
    }

    fn begin_page(&mut self, folder: &Path, about: &About) -> Result<(), ExportError> {
        self.page += 1;
        self.sink = Some(create(folder, &index_path(self.page))?);
        let previous = (self.page > 1).then(|| index_path(self.page - 1));
        let header = html! {
            h1 { "Conversations" @if self.page > 1 { ", page " (self.page) } }
            p class="facts" {
                "Exported " (about.made_at)
                @if let Some(gateway) = &about.gateway_url { " from the archive of " (gateway) }
                ". Times are those of " (about.zone.name) "."
                @if let Some(selection) = &about.selection { " Only " (selection) "." }
            }
            (frame::links(&[("previous page", previous)]))
        };
        self.write(folder, &frame::begin("Conversations", &header))?;
        self.write(folder, TABLE)
    }

    fn end_page(&mut self, folder: &Path, more: bool) -> Result<FileEntry, ExportError> {
        let next = more.then(|| index_path(self.page + 1));
        let footer = html! {
            @if self.lines == 0 { p { "No message is meant by what was asked for." } }
            (frame::links(&[("next page", next)]))
        };
        self.write(folder, "</tbody></table></div>\n")?;
        self.write(folder, &frame::end(&footer))?;
        let path = index_path(self.page);
        let sink = self.sink.take().map_or_else(|| create(folder, &path), Ok)?;
        let written = sink.finish().map_err(whilst_writing(folder, &path))?;
        Ok(FileEntry::new(path, written, 0))
    }

    fn write(&mut self, folder: &Path, text: &str) -> Result<(), ExportError> {
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        let written = sink.write_all(text.as_bytes());
        written.map_err(whilst_writing(folder, &index_path(self.page)))
    }
}

const TABLE: &str = "<div class=\"table\"><table><thead><tr><th>conversation</th><th>with</th>\
    <th class=\"number\">messages</th><th>first</th><th>last</th><th>archived</th></tr></thead><tbody>\n";

fn row(line: &Line) -> Markup {
    html! {
        tr {
            td class="id" {
                a href=(line.path) { (line.id) }
                @if line.pages > 1 { " (" (line.pages) " pages)" }
            }
            td { @for (place, name) in line.people.iter().enumerate() {
                @if place > 0 { ", " }
                bdi { (name) }
            } }
            td class="number" { (line.messages) @if line.deleted > 0 { br; "(" (line.deleted) " deleted)" } }
            td class="time" { (line.first) }
            td class="time" { (line.last) }
            td { (line.state.unwrap_or("")) }
        }
        "\n"
    }
}
