//! The threads that own SQLite's connections: one that writes and several that read. The writer commits what
//! is queued together, because one sync of the disk then pays for all of it.

use std::sync::atomic::Ordering;

use super::queue::Queue;
use super::sqlite::Sqlite;
use super::task::{ATTEMPTS_MAX, Job, Verdict};
use super::tx::{Access, Connection};
use super::{Counters, Error, Tx};

/// Takes up to `group_max` jobs at a time until the queue is closed and empty.
pub(super) fn write_until_closed(sqlite: &Sqlite, queue: &Queue<Job>, group_max: usize, counters: &Counters) {
    loop {
        let jobs = queue.take(group_max);
        if jobs.is_empty() {
            return;
        }
        let jobs: Vec<Job> = jobs.into_iter().filter_map(Job::in_time).collect();
        if !jobs.is_empty() {
            write_group(sqlite, jobs, counters);
        }
    }
}

/// Reads one job at a time until the queue is closed and empty.
pub(super) fn read_until_closed(sqlite: &Sqlite, queue: &Queue<Job>, counters: &Counters) {
    loop {
        let jobs = queue.take(1);
        if jobs.is_empty() {
            return;
        }
        for job in jobs.into_iter().filter_map(Job::in_time) {
            read_one(sqlite, job, counters);
        }
    }
}

/// One commit for all jobs. A refusal is answered after the commit too, since it may rest on what a job
/// before it in the group did.
fn write_group(sqlite: &Sqlite, mut jobs: Vec<Job>, counters: &Counters) {
    let settled = sqlite
        .begin(Access::Write)
        .map_err(another_process)
        .and_then(|()| {
            let mut conflicts = Vec::new();
            for (place, job) in jobs.iter_mut().enumerate() {
                if !run_in_savepoint(sqlite, job, counters)? {
                    conflicts.push(place);
                }
            }
            sqlite.commit()?;
            Ok(conflicts)
        });
    if settled.is_err() {
        sqlite.rollback();
    } else {
        counters.commits.fetch_add(1, Ordering::Relaxed);
    }
    for (place, job) in jobs.into_iter().enumerate() {
        job.answer(match &settled {
            Ok(conflicts) if conflicts.contains(&place) => Err(Error::Conflict),
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone()),
        });
    }
}

/// Whether the job came to an end; its effects are kept only if it succeeded.
///
/// # Errors
/// When the whole transaction is lost, as after a full disk: then no job of the group has happened.
fn run_in_savepoint(sqlite: &Sqlite, job: &mut Job, counters: &Counters) -> Result<bool, Error> {
    counters.transactions.fetch_add(1, Ordering::Relaxed);
    let read_only = job.access == Access::Read;
    for attempt in 1..=ATTEMPTS_MAX {
        if attempt > 1 {
            counters.retries.fetch_add(1, Ordering::Relaxed);
        }
        sqlite.batch("savepoint job")?;
        if read_only {
            sqlite.set_read_only(true)?;
        }
        let mut tx = Tx::new(Connection::Sqlite(sqlite));
        let verdict = job.run(&mut tx);
        let failed = tx.failed().cloned();
        if read_only {
            sqlite.set_read_only(false)?;
        }
        if !sqlite.in_transaction() {
            let lost = Error::Unavailable("the transaction was lost".to_owned());
            return Err(failed.unwrap_or(lost));
        }
        if verdict == Verdict::Commit {
            sqlite.batch("release job")?;
            return Ok(true);
        }
        sqlite.batch("rollback to job; release job")?;
        if verdict == Verdict::Rollback {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read_one(sqlite: &Sqlite, mut job: Job, counters: &Counters) {
    counters.transactions.fetch_add(1, Ordering::Relaxed);
    let settled = run_read(sqlite, &mut job);
    job.answer(settled);
}

fn run_read(sqlite: &Sqlite, job: &mut Job) -> Result<(), Error> {
    for _ in 0..ATTEMPTS_MAX {
        sqlite.begin(Access::Read)?;
        let verdict = job.run(&mut Tx::new(Connection::Sqlite(sqlite)));
        sqlite.rollback();
        if verdict != Verdict::Retry {
            return Ok(());
        }
    }
    Err(Error::Conflict)
}

/// The lock file keeps psa-pay itself out, so whoever holds the lock is a shell or a backup.
pub(super) fn another_process(error: Error) -> Error {
    match error {
        Error::Conflict => Error::Unavailable("another program holds SQLite's write lock".to_owned()),
        other => other,
    }
}
