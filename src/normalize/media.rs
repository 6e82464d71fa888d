//! Files: image, audio, video, pdf, csv, file and stickers.
//!
//! The declared type is kept as it is and never believed alone: the vendor's own samples hold
//! `image` with a PDF, a film or plain text behind it (facts.md 1.6). The extension of the URL
//! is asked first.

use url::Url;

use crate::model::{Attachment, MediaKind, Message};

use super::{fields::Fields, text};

/// Reads the file of a message, and its words.
pub(super) fn read(content: &Fields<'_>, message: &mut Message) {
    let caption = content.words("caption", message);
    let words = text::words(content, "text", message);
    let lines = text::joined(words, [caption.as_ref()]);
    message.text = lines.or_else(|| message.title.clone());

    let declared = Declared::of(message.kind.as_deref().unwrap_or_default());
    let Some(url) = content.words("url", message) else {
        message.media_kind = Some(declared.kind());
        content.note_shape("no url", message);
        return;
    };
    let parsed = Url::parse(&url).ok();
    let extension = extension(parsed.as_ref().map_or(&*url, Url::path));
    let media_kind = media_kind(declared, extension.as_deref());
    message.media_kind = Some(media_kind);
    message.attachment = Some(Box::new(Attachment {
        host: parsed.and_then(|url| Some(url.host_str()?.to_ascii_lowercase().into())),
        url,
        declared_type: message.kind.clone(),
        media_kind,
        caption,
    }));
}

/// What the type claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    Image,
    Audio,
    Video,
    Pdf,
    Csv,
    Sticker,
    File,
}

impl Declared {
    fn of(kind: &str) -> Self {
        match kind.to_ascii_lowercase().as_str() {
            "image" => Self::Image,
            "audio" => Self::Audio,
            "video" => Self::Video,
            "pdf" => Self::Pdf,
            kind if kind.contains("sticker") => Self::Sticker,
            kind if kind.contains("csv") => Self::Csv,
            _ => Self::File,
        }
    }

    const fn kind(self) -> MediaKind {
        match self {
            Self::Image => MediaKind::Image,
            Self::Audio => MediaKind::Audio,
            Self::Video => MediaKind::Video,
            Self::Pdf => MediaKind::Pdf,
            Self::Csv => MediaKind::Csv,
            Self::Sticker => MediaKind::Sticker,
            Self::File => MediaKind::File,
        }
    }
}

/// What an extension says. It may be a MIME subtype (facts.md section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extension {
    /// Surely this.
    Is(MediaKind),
    /// A container of sound or of film; this if the type does not tell.
    Container(MediaKind),
    /// Plain text, which a table may be.
    Plain,
    /// Nothing that is known.
    Unknown,
}

fn extension_says(extension: &str) -> Extension {
    match extension {
        "jpg" | "jpeg" | "jpe" | "jfif" | "pjpeg" | "png" | "apng" | "gif" | "webp" | "tif"
        | "tiff" | "bmp" | "svg" | "svg+xml" | "svg%2bxml" | "heic" | "heif" | "avif" | "ico"
        | "x-icon" => Extension::Is(MediaKind::Image),
        "mov" | "quicktime" | "avi" | "x-msvideo" | "mkv" | "x-matroska" | "m4v" | "x-m4v"
        | "wmv" | "flv" | "mpg" | "mpe" | "ogv" => Extension::Is(MediaKind::Video),
        "mp3" | "mpga" | "m4a" | "x-m4a" | "aac" | "wav" | "wave" | "x-wav" | "flac" | "oga"
        | "opus" | "amr" | "weba" | "wma" | "aiff" | "caf" => Extension::Is(MediaKind::Audio),
        "mp4" | "mpeg" | "webm" | "3gp" | "3gpp" | "3gpp2" | "3g2" => {
            Extension::Container(MediaKind::Video)
        }
        "ogg" => Extension::Container(MediaKind::Audio),
        "pdf" | "x-pdf" => Extension::Is(MediaKind::Pdf),
        "csv" | "comma-separated-values" => Extension::Is(MediaKind::Csv),
        "txt" | "plain" => Extension::Plain,
        "doc" | "docx" | "msword" | "odt" | "rtf" | "xls" | "xlsx" | "ods" | "ppt" | "pptx"
        | "odp" | "zip" | "x-zip-compressed" | "rar" | "7z" | "gz" | "tar" | "json" | "xml"
        | "html" | "htm" | "md" | "vcf" | "ics" | "eml" | "apk" | "exe" | "document" | "sheet"
        | "presentation" => Extension::Is(MediaKind::File),
        _ if extension.starts_with("vnd.") => Extension::Is(MediaKind::File),
        _ => Extension::Unknown,
    }
}

/// The extension first, then the declared type.
fn media_kind(declared: Declared, extension: Option<&str>) -> MediaKind {
    let said = extension.map(extension_says);
    match (declared, said) {
        // A sticker is a small picture or film: its extension never says so.
        (
            Declared::Sticker,
            Some(Extension::Is(MediaKind::Image | MediaKind::Video) | Extension::Container(_)),
        ) => MediaKind::Sticker,
        (Declared::Audio | Declared::Video, Some(Extension::Container(_))) => declared.kind(),
        (_, Some(Extension::Is(kind) | Extension::Container(kind))) => kind,
        (Declared::Csv, Some(Extension::Plain)) => MediaKind::Csv,
        // `image` is what the gateway calls anything, so an extension that is no picture's wins.
        (_, Some(Extension::Plain)) | (Declared::Image, Some(Extension::Unknown)) => {
            MediaKind::File
        }
        (_, Some(Extension::Unknown) | None) => declared.kind(),
    }
}

/// The extension of the last segment of a path, in lower case.
fn extension(path: &str) -> Option<String> {
    const LENGTH_MAX: usize = 100;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = match name.find(".vnd.") {
        Some(dot) => &name[dot + 1..],
        None => name.rsplit_once('.')?.1,
    };
    let is_plausible = !extension.is_empty() && extension.len() <= LENGTH_MAX;
    is_plausible.then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(declared: &str, path: &str) -> &'static str {
        media_kind(Declared::of(declared), extension(path).as_deref()).as_str()
    }

    #[test]
    fn the_extension_is_believed_before_the_type() {
        for (declared, path, kind) in [
            ("image", "/chat/org/file_A.jpeg", "image"),
            ("IMAGE", "/chat/org/file_A.PDF", "pdf"),
            ("image", "/chat/org/file_A.mpeg", "video"),
            ("image", "/chat/org/file_A.mp4", "video"),
            ("image", "/chat/org/file_A.plain", "file"),
            ("image", "/chat/org/file_A.octet-stream", "file"),
            ("image", "/chat/org/file_A.ogg", "audio"),
            ("image", "/chat/org.example/file_A", "image"),
            ("image", "file_A.png?x=.pdf#y.csv", "image"),
            (
                "file",
                "/f_A.vnd.openxmlformats-officedocument.wordprocessingml.document",
                "file",
            ),
            ("file", "/price.csv", "csv"),
            ("file", "/price.docx", "file"),
            ("text/csv", "/price.plain", "csv"),
            ("csv", "/price", "csv"),
            ("audio", "/voice.mpeg", "audio"),
            ("audio", "/voice.mp4", "audio"),
            ("audio", "/voice.octet-stream", "audio"),
            ("video", "/film.ogg", "video"),
            ("whatsapp.sticker", "/s.webp", "sticker"),
            ("line.Sticker", "/s", "sticker"),
            ("whatsapp.sticker", "/s.pdf", "pdf"),
        ] {
            assert_eq!(kind_of(declared, path), kind, "{declared} {path}");
        }
    }
}
