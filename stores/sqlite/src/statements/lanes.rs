use rusqlite::{OptionalExtension, params};

use super::prepare::statements;
use crate::error::Error;
use crate::raw_text::RawText;

statements! { Lanes {
    insert_head: "INSERT INTO lane_heads (order_key, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    update_head: "UPDATE lane_heads SET seq = ?2 WHERE order_key = ?1",
    delete_head: "DELETE FROM lane_heads WHERE order_key = ?1",
    /// The head of a lane, and whether it is waiting.
    select_head: "
        SELECT h.seq, w.seq IS NOT NULL FROM lane_heads AS h LEFT JOIN waiting AS w ON w.seq = h.seq
        WHERE h.order_key = ?1",
    /// Reads all lanes: only for a job whose key cannot be read.
    select_lane_of_head: "SELECT order_key FROM lane_heads WHERE seq = ?1",
    insert_tail: "INSERT INTO lane_tails (order_key, seq) VALUES (?1, ?2)",
    delete_tail: "DELETE FROM lane_tails WHERE order_key = ?1 AND seq = ?2",
    select_next: "SELECT seq FROM lane_tails WHERE order_key = ?1 ORDER BY seq LIMIT 1",
} }

impl Lanes<'_> {
    /// Adds a job to a lane. Returns whether it is the head.
    pub(crate) fn enter(&mut self, lane: &str, seq: i64) -> Result<bool, Error> {
        let is_head = self.insert_head.execute(params![lane, seq])? == 1;
        if !is_head {
            self.enter_tail(lane, seq)?;
        }
        Ok(is_head)
    }

    pub(crate) fn enter_tail(&mut self, lane: &str, seq: i64) -> Result<(), Error> {
        self.insert_tail.execute(params![lane, seq])?;
        Ok(())
    }

    pub(crate) fn leave_tail(&mut self, lane: &str, seq: i64) -> Result<(), Error> {
        self.delete_tail.execute(params![lane, seq])?;
        Ok(())
    }

    /// The head of a lane, and whether it is waiting.
    pub(crate) fn head(&mut self, lane: &str) -> Result<Option<(i64, bool)>, Error> {
        Ok(self.select_head.query_row([lane], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// The lane whose head is this job, by a search of all lanes.
    pub(crate) fn of_head(&mut self, seq: i64) -> Result<Option<String>, Error> {
        let lane: Option<RawText> = self.select_lane_of_head.query_row([seq], |row| row.get(0)).optional()?;
        Ok(lane.map(|lane| lane.to_text().into_owned()))
    }

    /// The first job of the tail.
    pub(crate) fn next(&mut self, lane: &str) -> Result<Option<i64>, Error> {
        Ok(self.select_next.query_row([lane], |row| row.get(0)).optional()?)
    }

    pub(crate) fn set_head(&mut self, lane: &str, seq: i64) -> Result<(), Error> {
        self.update_head.execute(params![lane, seq])?;
        Ok(())
    }

    /// Removes a lane whose head was its last job.
    pub(crate) fn remove(&mut self, lane: &str) -> Result<(), Error> {
        self.delete_head.execute([lane])?;
        Ok(())
    }
}
