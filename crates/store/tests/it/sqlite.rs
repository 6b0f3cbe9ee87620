//! What SQLite alone has: the group commit, the lock file, its settings, and a disk that fills up.

use std::path::PathBuf;
use std::sync::{Mutex, mpsc};

use store::binds;
use store::db::{Db, Error, Options, Sql, Value};

use crate::engines::{World, block_on, poll_once};
use crate::schema::{self, INSERT, count, insert};

#[test]
fn what_is_queued_is_committed_together_and_a_failure_stays_alone() {
    let world = World::sqlite();
    schema::create(&world.db);
    let before = world.db.stats().commits;
    let (started, wait_for_start) = mpsc::channel();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let mut first = Box::pin(world.db.write(move |_| {
        started.send(()).unwrap();
        held.lock().unwrap().recv().unwrap();
        Ok::<u64, Error>(0)
    }));
    assert!(poll_once(&mut first).is_pending());
    wait_for_start.recv().unwrap();
    let mut queued = Vec::new();
    for number in 0..20_i64 {
        let mut write = Box::pin(world.db.write(move |tx| {
            let written = tx.execute(&INSERT, binds![format!("id{number}"), "o", number, Value::Null])?;
            match number {
                7 => panic!("on purpose"),
                8 => Err(Error::NotFound),
                // The same note as the one before.
                9 => tx.execute(&INSERT, binds!["id6", "o", 1, "n"]),
                _ => Ok(written),
            }
        }));
        assert!(poll_once(&mut write).is_pending());
        queued.push(write);
    }
    go_on.send(()).unwrap();
    assert_eq!(block_on(first), Ok(0));
    let answers: Vec<_> = queued.into_iter().map(block_on).collect();
    for (number, answer) in answers.iter().enumerate() {
        match number {
            7 => assert!(matches!(answer, Err(Error::Bug(_)))),
            8 => assert_eq!(*answer, Err(Error::NotFound)),
            9 => assert!(matches!(answer, Err(Error::Unique { .. }))),
            _ => assert_eq!(*answer, Ok(1)),
        }
    }
    assert_eq!(world.db.stats().commits - before, 2);
    assert_eq!(count(&world.db), 17);
}

#[test]
fn of_two_that_close_at_once_neither_goes_on_before_the_file_may_be_opened_again() {
    let world = World::sqlite();
    schema::create(&world.db);
    let (started, wait_for_start) = mpsc::channel();
    let (go_on, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let mut write = Box::pin(world.db.write(move |_| {
        started.send(()).unwrap();
        held.lock().unwrap().recv().unwrap();
        Ok::<u64, Error>(0)
    }));
    assert!(poll_once(&mut write).is_pending());
    wait_for_start.recv().unwrap();
    let mut closing = [Box::pin(world.db.close()), Box::pin(world.db.close())];
    assert!(closing.iter_mut().all(|closing| poll_once(closing).is_pending()));
    go_on.send(()).unwrap();
    let [_first, second] = closing;
    block_on(second);
    block_on(world.open_again(Options::default()).close());
}

#[test]
fn a_second_opening_is_refused_with_what_to_do() {
    let world = World::sqlite();
    match block_on(Db::open(&world.url, Options::default())) {
        Err(Error::Unavailable(why)) => assert!(why.contains("in use by another psa-pay process"), "{why}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened twice"),
    }
    block_on(world.db.close());
    block_on(world.open_again(Options::default()).close());
}

#[test]
fn every_connection_has_the_settings_that_money_needs() {
    let world = World::sqlite();
    const SETTINGS: Sql = Sql::new(
        "select journal_mode, synchronous, foreign_keys, timeout as busy_timeout, trusted_schema,
           cell_size_check, fullfsync
         from pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_busy_timeout,
           pragma_trusted_schema, pragma_cell_size_check, pragma_fullfsync",
    );
    let check = |tx: &mut store::db::Tx<'_>| {
        let row = tx.one(&SETTINGS, &[])?;
        assert_eq!(row.text("journal_mode")?, "wal");
        assert_eq!((row.int("synchronous")?, row.int("foreign_keys")?), (2, 1));
        assert_eq!((row.int("busy_timeout")?, row.int("trusted_schema")?), (5000, 0));
        assert_eq!((row.int("cell_size_check")?, row.int("fullfsync")?), (1, 1));
        Ok::<(), Error>(())
    };
    assert_eq!(block_on(world.db.write(check)), Ok(()));
    for _ in 0..8 {
        assert_eq!(block_on(world.db.read(check)), Ok(()));
    }
}

#[test]
fn another_program_that_holds_the_write_lock_makes_us_unavailable() {
    let world = World::sqlite();
    schema::create(&world.db);
    let shell = rusqlite::Connection::open(world.url.trim_start_matches("sqlite:")).unwrap();
    shell.execute_batch("begin immediate").unwrap();
    let refused = insert(&world.db, "a", "o", 1, None);
    assert!(
        matches!(&refused, Err(Error::Unavailable(why)) if why.contains("another program")),
        "{refused:?}"
    );
    assert_eq!(count(&world.db), 0);
    shell.execute_batch("rollback").unwrap();
    assert_eq!(insert(&world.db, "a", "o", 1, None), Ok(1));
}

#[test]
fn the_first_start_after_a_kill_opens_the_file_with_all_that_was_committed() {
    let world = World::sqlite();
    schema::create(&world.db);
    for number in 0..20 {
        insert(&world.db, &format!("id{number}"), "o", number, None).unwrap();
    }
    // What a kill leaves: the file and its write-ahead log as they are now, nothing closed.
    let path = world.url.trim_start_matches("sqlite:");
    let killed = format!("{path}.killed");
    std::fs::copy(path, &killed).unwrap();
    std::fs::copy(format!("{path}-wal"), format!("{killed}-wal")).unwrap();
    assert!(std::fs::metadata(format!("{killed}-wal")).unwrap().len() > 0);
    let again = block_on(Db::open(&format!("sqlite:{killed}"), Options::default())).unwrap();
    assert_eq!(count(&again), 20);
    block_on(again.close());
}

#[test]
fn a_damaged_file_is_refused_after_an_unclean_stop() {
    let world = World::sqlite();
    schema::create(&world.db);
    for number in 0..200 {
        insert(
            &world.db,
            &format!("id{number}"),
            "o",
            number,
            Some(&format!("note {number}")),
        )
        .unwrap();
    }
    block_on(world.db.close());
    let path = PathBuf::from(world.url.trim_start_matches("sqlite:"));
    // All of it is in the file now, whoever of the connections was the last to close.
    let shell = rusqlite::Connection::open(&path).unwrap();
    shell
        .query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .unwrap();
    drop(shell);
    let mut bytes = std::fs::read(&path).unwrap();
    for byte in bytes.iter_mut().skip(3 * 4096).take(8 * 4096) {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, bytes).unwrap();
    let mut wal = path.into_os_string();
    wal.push("-wal");
    std::fs::write(wal, b"left behind").unwrap();
    match block_on(Db::open(&world.url, Options::default())) {
        Err(Error::Unavailable(why)) => assert!(why.contains("damaged"), "{why}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened"),
    }
}

#[test]
fn a_database_in_memory_reads_what_it_wrote() {
    let db = block_on(Db::open("sqlite::memory:", Options::default())).unwrap();
    schema::create(&db);
    assert_eq!(insert(&db, "a", "o", 1, None), Ok(1));
    assert_eq!(count(&db), 1);
    let wrote = block_on(db.read(|tx| tx.execute(&INSERT, binds!["b", "o", 1, "n"])));
    assert!(matches!(wrote, Err(Error::Bug(_))), "{wrote:?}");
    assert_eq!(insert(&db, "b", "o", 1, None), Ok(1));
}

#[test]
fn an_address_that_means_nothing_is_refused() {
    for url in [
        "",
        "mysql://x",
        "psa-pay.db",
        "sqlite:/nowhere/at/all.db",
        "postgres://%zz",
    ] {
        let answer = block_on(Db::open(url, Options::default())).map(|_| ());
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{url}: {answer:?}");
    }
}

#[test]
fn a_full_disk_refuses_writes_and_heals() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("full_disk_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(&folder)
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("the test of a full disk did not run: it mounts a tmpfs, which needs root");
        return;
    }
    let unmount = Unmount(folder.clone());
    let url = format!("sqlite:{}", folder.join("test.db").display());
    let db = block_on(Db::open(&url, Options::default())).unwrap();
    schema::create(&db);
    let note = "x".repeat(4000);
    let mut written = 0;
    let refused = loop {
        match insert(
            &db,
            &format!("id{written}"),
            &format!("{written}"),
            1,
            Some(&note),
        ) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    assert_eq!(count(&db), written);
    let larger = std::process::Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(&folder)
        .status();
    assert!(larger.unwrap().success());
    assert_eq!(insert(&db, "after", "after", 1, Some(&note)), Ok(1));
    assert_eq!(count(&db), written + 1);
    block_on(db.close());
    drop(unmount);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        drop(std::process::Command::new("umount").arg(&self.0).status());
        drop(std::fs::remove_dir(&self.0));
    }
}
