use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::names::NameId;
use super::prepare::statements;
use crate::encode::integer;
use crate::error::Error;
use crate::raw_text::RawText;
use crate::rows::{self, Ready};

statements! { Sql {
    put_in_line: "
        UPDATE ready SET in_line = 1, entity = ?4 WHERE in_line = 0 AND name = ?1 AND priority = ?2 AND seq = ?3",
    /// The first job in line of each name: one seek finds each name.
    select_next_in_line: "
        SELECT name, priority, seq FROM ready WHERE entity = ?1 AND in_line = 1 AND name >= ?2
        ORDER BY name, priority DESC, seq LIMIT 1",
    select_first_of_name: "
        SELECT priority, seq FROM ready WHERE entity = ?1 AND in_line = 1 AND name = ?2 ORDER BY priority DESC, seq LIMIT 1",
    /// Without its index it would read the lines of all entities.
    select_line_of_name: "
        SELECT priority, seq, attempts, spent, order_key, NULL AS entity FROM ready INDEXED BY ready_lines
        WHERE entity = ?1 AND in_line = 1 AND name = ?2 ORDER BY priority DESC, seq LIMIT ?3",
    select_promoted: "SELECT 1 FROM ready WHERE entity = ?1 AND in_line = 0 AND name = ?2",
    promote: "UPDATE ready SET in_line = 0 WHERE in_line = 1 AND name = ?1 AND priority = ?2 AND seq = ?3",
    select_next_line: "SELECT min(entity) FROM ready WHERE entity > ?1",
    select_holder: "SELECT 1 FROM running WHERE entity = ?1",
    select_any: "SELECT 1 FROM ready WHERE in_line = 1 LIMIT 1",
} }

/// After so many turns in a row of entities without a line, perhaps no job is in line any more.
const LOOK_AGAIN_AFTER: u32 = 64;

/// The name, the priority and the number of a job in line.
type InLine = (NameId, i64, i64);

/// The lines of ready jobs for entities whose turn another job has. The turns are in `running`.
///
/// When a turn ends, the first job of each name leaves the line: a claim decides between them, and a job that nobody claims holds up no
/// other name.
pub(crate) struct Turns<'c> {
    pub(crate) sql: Sql<'c>,
    /// Whether any job is in line, as far as this process knows.
    is_empty: Option<bool>,
    /// How many turns in a row have ended of entities without a line.
    ends_without_line: u32,
    /// Whether the lines that nobody has the turn of were promoted once. Only in a file that was edited by hand there are any.
    is_repaired: bool,
}

impl<'c> Turns<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { sql: Sql::prepare(connection)?, is_empty: None, ends_without_line: 0, is_repaired: false })
    }

    /// Another process has written, or a transaction was rolled back.
    pub(crate) fn clear(&mut self) {
        self.is_empty = None;
        self.ends_without_line = 0;
    }

    /// Puts a job that can be claimed in line.
    pub(crate) fn put_in_line(
        &mut self,
        name: NameId,
        priority: i64,
        seq: i64,
        entity: &str,
    ) -> Result<(), Error> {
        self.sql.put_in_line.execute(params![name, priority, seq, entity])?;
        self.is_empty = Some(false);
        Ok(())
    }

    /// A job does not have the turn any more. Returns whether a job has left the line.
    pub(crate) fn end(&mut self, entity: &RawText) -> Result<bool, Error> {
        if self.is_empty()? {
            return Ok(false);
        }
        if entity.is_damaged() || !self.is_repaired {
            self.is_repaired = true;
            return self.end_all_without_holder();
        }
        let first = self.next_in_line(entity, NameId::MIN)?;
        if first.is_none() {
            self.ends_without_line += 1;
            if self.ends_without_line == LOOK_AGAIN_AFTER {
                self.clear();
            }
            return Ok(false);
        }
        self.ends_without_line = 0;
        if self.sql.select_holder.exists([entity])? {
            return Ok(false);
        }
        self.promote_first_of_each_name(entity, first)
    }

    /// The first jobs in line for an entity, in the order in which they run.
    pub(crate) fn first_in_line(
        &mut self,
        entity: &str,
        limit: usize,
    ) -> Result<Vec<(NameId, Ready)>, Error> {
        let mut first = Vec::new();
        if self.is_empty()? {
            return Ok(first);
        }
        let entity = RawText::of(entity.as_bytes());
        let mut next = Some(NameId::MIN);
        while let Some(from) = next
            && let Some((name, ..)) = self.next_in_line(&entity, from)?
        {
            let rows = params![entity, name, integer(limit)];
            for ready in self.sql.select_line_of_name.query_map(rows, |row| Ok(rows::ready(row)))? {
                first.push((name, ready?));
            }
            next = name.next();
        }
        first.sort_unstable_by_key(|(_, ready)| (Reverse(ready.priority), ready.seq));
        first.truncate(limit);
        Ok(first)
    }

    /// A job that had left the line was claimed without its turn, or cancelled: the next of its name leaves the line.
    pub(crate) fn demote(&mut self, entity: &RawText, name: NameId) -> Result<bool, Error> {
        if self.sql.select_holder.exists([entity])? {
            return Ok(false);
        }
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let first: Option<(i64, i64)> =
            self.sql.select_first_of_name.query_row(params![entity, name], read).optional()?;
        let Some((priority, seq)) = first else { return Ok(false) };
        self.sql.promote.execute(params![name, priority, seq])?;
        Ok(true)
    }

    /// `first` is the first job in line.
    fn promote_first_of_each_name(
        &mut self,
        entity: &RawText,
        mut first: Option<InLine>,
    ) -> Result<bool, Error> {
        let mut has_work = false;
        while let Some((name, priority, seq)) = first {
            if !self.sql.select_promoted.exists(params![entity, name])? {
                self.sql.promote.execute(params![name, priority, seq])?;
                has_work = true;
            }
            first = match name.next() {
                Some(next) => self.next_in_line(entity, next)?,
                None => None,
            };
        }
        Ok(has_work)
    }

    /// Ends the turns that nobody has: a stored entity may be one that cannot be read.
    fn end_all_without_holder(&mut self) -> Result<bool, Error> {
        let mut has_work = false;
        let mut next: Option<RawText> = self.sql.select_next_line.query_row([""], |row| row.get(0))?;
        while let Some(entity) = next {
            if !self.sql.select_holder.exists([&entity])? {
                let first = self.next_in_line(&entity, NameId::MIN)?;
                has_work |= self.promote_first_of_each_name(&entity, first)?;
            }
            next = self.sql.select_next_line.query_row([&entity], |row| row.get(0))?;
        }
        Ok(has_work)
    }

    fn is_empty(&mut self) -> Result<bool, Error> {
        if let Some(is_empty) = self.is_empty {
            return Ok(is_empty);
        }
        let is_empty = !self.sql.select_any.exists([])?;
        self.is_empty = Some(is_empty);
        Ok(is_empty)
    }

    fn next_in_line(&mut self, entity: &RawText, from: NameId) -> Result<Option<InLine>, Error> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        Ok(self.sql.select_next_in_line.query_row(params![entity, from], read).optional()?)
    }
}
