//! Standard output of the tools: buffered, ended quietly when nobody reads it any more.
//!
//! Owned by one command at a time, on its only thread.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use comfy_table::{Cell, ContentArrangement, Table, presets};
use serde::Serialize;

use super::failure::Failure;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// Standard output.
#[derive(Debug)]
pub struct Output {
    writer: BufWriter<Stdout>,
    terminal: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}

impl Output {
    /// Takes standard output.
    pub fn new() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self { writer: BufWriter::with_capacity(BUFFER_BYTES, stdout), terminal }
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// Writes a line.
    pub fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.writer, "{line}")?)
    }

    /// Writes `value` as one line of JSON.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?;
        self.bytes(b"\n")
    }

    /// Writes `value` as JSON: indented for a terminal, else on one line.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.terminal {
            return self.json_line(value);
        }
        serde_json::to_writer_pretty(&mut self.writer, value).map_err(io::Error::from)?;
        self.bytes(b"\n")
    }

    /// Writes `table`.
    pub fn table(&mut self, table: &Table) -> Result<(), Failure> {
        for line in table.to_string().lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Begins what takes the place of everything on a terminal; elsewhere one follows the other.
    pub fn begin_frame(&mut self) -> Result<(), Failure> {
        if self.terminal { self.bytes(b"\x1b[H\x1b[2J") } else { Ok(()) }
    }

    /// Hands everything to the reader.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }
}

/// A table without lines, columns two blanks apart, headings in capitals.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(|heading| Cell::new(heading.to_uppercase())));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}
