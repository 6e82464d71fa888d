//! Parquet: rows as columns of proper types, compressed with zstd.
//!
//! Times are milliseconds with the zone UTC, local days are dates, what a message has several of
//! is a list of structs. A row group is closed before it grows large, so that an export of any size
//! is written in little memory.

use std::{
    io::{self, BufRead, Write},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, cast::AsArray as _, types::TimestampMillisecondType};
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, TimeUnit};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};

use super::row::Flat;

/// Rows of a group.
const GROUP_ROWS: usize = 100_000;
/// Bytes of a group, encoded.
const GROUP_BYTES: usize = 32 << 20;
/// Rows that are read from lines at once.
const LINES: usize = 512;

/// Writes rows as Parquet.
pub(super) struct Columns<W: Write + Send> {
    parquet: ArrowWriter<Lent<W>>,
    decoder: Decoder,
    schema: Arc<Schema>,
}

impl<W: Write + Send> std::fmt::Debug for Columns<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columns").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Columns<W> {
    /// Begins a file.
    pub(super) fn new(into: W, is_feed: bool) -> io::Result<Self> {
        let schema = Arc::new(schema(is_feed, ZONE));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by(concat!("convault ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self {
            decoder: reader(is_feed).build_decoder().map_err(of_arrow)?,
            parquet: ArrowWriter::try_new(Lent(Some(into)), Arc::clone(&schema), Some(properties))
                .map_err(of_parquet)?,
            schema,
        })
    }

    pub(super) fn write(&mut self, rows: &[Flat<'_>]) -> io::Result<()> {
        self.decoder.serialize(rows).map_err(of_arrow)?;
        if let Some(batch) = self.decoder.flush().map_err(of_arrow)? {
            self.write_batch(&batch)?;
        }
        Ok(())
    }

    fn write_batch(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = batch.columns().iter().map(in_utc).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(of_arrow)?;
        self.parquet.write(&batch).map_err(of_parquet)?;
        if self.parquet.memory_size() > GROUP_BYTES {
            self.parquet.flush().map_err(of_parquet)?;
        }
        Ok(())
    }

    /// What was written to, all of it handed on.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.parquet.finish().map_err(of_parquet)?;
        let lent = self.parquet.inner_mut().0.take();
        lent.ok_or_else(|| io::Error::other("the end of a Parquet file was written twice"))
    }
}

/// Makes Parquet of flat rows that are lines.
pub(super) fn convert<W: Write + Send>(
    lines: impl BufRead,
    into: W,
    is_feed: bool,
) -> io::Result<W> {
    let mut columns = Columns::new(into, is_feed)?;
    for batch in reader(is_feed).build(lines).map_err(of_arrow)? {
        columns.write_batch(&batch.map_err(of_arrow)?)?;
    }
    columns.finish()
}

/// Reads rows. Strict: a row with a field that the schema lacks is refused, so that neither drifts.
fn reader(is_feed: bool) -> ReaderBuilder {
    let schema = Arc::new(schema(is_feed, ZONE_READ));
    ReaderBuilder::new(schema)
        .with_strict_mode(true)
        .with_batch_size(LINES)
}

/// What is written to, so that it can be taken back once the end of the file is written: the library
/// hands it back only together with an end, and then forgets what kind of error it met.
struct Lent<W>(Option<W>);

impl<W: Write> Write for Lent<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |into| into.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn of_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}

/// The error of what was written to, where it is one: who reads a pipe may have gone.
fn of_parquet(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

const TEXT: DataType = DataType::Utf8;
const TRUTH: DataType = DataType::Boolean;
const NUMBER: DataType = DataType::Int64;

/// The zone of times, by the name that readers know.
const ZONE: &str = "UTC";
/// The same zone, as the reader of rows spells it, which knows no names.
const ZONE_READ: &str = "+00:00";

fn time(zone: &str) -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(zone.into()))
}

/// The column with its times said to be of UTC by that name.
fn in_utc(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<TimestampMillisecondType>() {
        Some(times) => Arc::new(times.clone().with_timezone(ZONE)),
        None => Arc::clone(column),
    }
}

fn maybe(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn always(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn structs(name: &str, fields: Vec<Field>) -> Field {
    let item = always("item", DataType::Struct(Fields::from(fields)));
    always(name, DataType::List(Arc::new(item)))
}

fn texts(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| maybe(name, TEXT)).collect()
}

/// The columns, as [`Flat`] has them.
fn schema(is_feed: bool, zone: &str) -> Schema {
    let mut fields = vec![
        always("id", TEXT),
        always("conversation_id", TEXT),
        maybe("organization_id", TEXT),
        maybe("business_unit_id", TEXT),
        maybe("sender_id", TEXT),
        always("sender_kind", TEXT),
        always("direction", TEXT),
        maybe("type", TEXT),
        maybe("media_kind", TEXT),
        maybe("title", TEXT),
        maybe("text", TEXT),
        maybe("is_mail", TRUTH),
        maybe("created_at", time(zone)),
        maybe("updated_at", time(zone)),
        always("version", NUMBER),
        always("first_seen_run", NUMBER),
        maybe("deleted_at", time(zone)),
        maybe("missing_since", time(zone)),
        maybe("stream_id", TEXT),
        maybe("stream_sequence", NUMBER),
        maybe("created_ms", NUMBER),
        maybe("local_day", DataType::Date32),
        maybe("local_hour", DataType::Int32),
        maybe("local_weekday", DataType::Int32),
        maybe("sender_name", TEXT),
        maybe("sender_team", TEXT),
        maybe("sender_is_bot", TRUTH),
    ];
    fields.extend(fields_around());
    if is_feed {
        fields.push(always("change", TEXT));
        fields.push(always("change_run", NUMBER));
    }
    Schema::new(fields)
}

/// What hangs on a message.
fn fields_around() -> Vec<Field> {
    let reply = Fields::from(texts(&["title", "payload", "description"]));
    let words = texts(&[
        "option_id",
        "content_type",
        "title",
        "payload",
        "description",
    ]);
    let mut option = vec![always("position", NUMBER)];
    option.extend(words);
    option.push(maybe("answered", TRUTH));
    let attachment = vec![
        always("url", TEXT),
        maybe("host", TEXT),
        maybe("declared_type", TEXT),
        always("media_kind", TEXT),
        maybe("caption", TEXT),
    ];
    let degrees = |name| maybe(name, DataType::Float64);
    let mut place = vec![degrees("latitude"), degrees("longitude")];
    place.extend(texts(&["name", "address"]));
    let mut contact = vec![always("position", NUMBER)];
    contact.extend(texts(&["name", "phone_number", "email"]));
    let variable = vec![always("position", NUMBER), maybe("value", TEXT)];
    vec![
        maybe("quick_reply", DataType::Struct(reply)),
        structs("quick_reply_options", option),
        structs("attachments", attachment),
        maybe("location", DataType::Struct(Fields::from(place))),
        structs("shared_contacts", contact),
        structs("template_variables", variable),
    ]
}
