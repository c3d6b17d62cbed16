//! A store that has no room: 507, nothing acknowledged that is not stored, and life goes on.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{server::Running, socket::Socket};

#[tokio::test]
async fn a_full_store_refuses_writes_and_goes_on_with_the_rest() {
    let server = Running::configured(|config| config.store.max_mib = 1).await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let path = format!("/v2/things/{}", guest.thing);
    let write = async |value: &str| {
        let body = format!(r#"{{"values":[{{"key":"a","value":{value}}}]}}"#);
        server.call("POST", &path, "", &body).await
    };
    let large = |number: usize| format!(r#"[{number},"{}"]"#, "x".repeat(100_000));
    let mut stored = 0;
    let refused = loop {
        let answer = write(&large(stored)).await;
        if answer.status != 201 {
            break answer;
        }
        assert_eq!(
            socket.values("/me/resources/a").await[0]["value"][0],
            json!(stored)
        );
        stored += 1;
        assert!(stored < 20, "the bound does not hold");
    };
    refused.is(
        507,
        r#"{"status":"error","code":507,"message":"the disk is full"}"#,
    );
    assert!(stored > 3, "{stored}");

    // What was acknowledged is there, what was refused is not, not even in part.
    let batch = format!(
        r#"{{"values":[{{"key":"b","value":1}},{{"key":"a","value":{}}}]}}"#,
        large(99)
    );
    assert_eq!(server.call("POST", &path, "", &batch).await.status, 507);
    let names = server
        .call("GET", &format!("{path}/resources"), "", "")
        .await;
    names.is(200, r#"{"status":"success","resources":["a"]}"#);
    let newest = format!("{path}/resources/a");
    let newest = server.call("GET", &newest, "", "").await;
    assert!(newest.body.contains(&large(stored - 1)));

    // Others log in and subscribe; what fits is stored and pushed to all, after nothing that was not.
    let mut other = Socket::open(server.address).await;
    other.log_in(&guest.session).await;
    other.subscribe("/me/resources/a").await;
    assert_eq!(write("7").await.status, 201);
    for socket in [&mut socket, &mut other] {
        assert_eq!(socket.values("/me/resources/a").await[0]["value"], json!(7));
    }

    // With room again, writes go on without a restart.
    server.trim().await;
    let answer = write(&large(100)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    server.stop().await;
}

const PAGE: usize = 4096;

/// A small filesystem of its own.
struct Disk(TempDir);

impl Disk {
    /// None where the test may not mount one.
    fn mount(mib: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        let size = format!("size={mib}m");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]);
        let reason = match mount.arg(folder.path()).output() {
            Ok(output) if output.status.success() => return Some(Self(folder)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        // Not by a macro, whose text nobody sees of a test that passes.
        let reason = reason.trim().lines().next().unwrap_or_default();
        let _ = writeln!(io::stderr(), "SKIPPED full-disk: {reason}");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills it up to so many pages.
    fn leave(&self, pages: usize) {
        let mut ballast = File::create(self.path().join("ballast")).unwrap();
        let mut length = 0;
        let full = loop {
            match ballast.write(&[1; PAGE]) {
                Ok(written) => length += written,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        let left = length.saturating_sub(pages * PAGE);
        ballast.set_len(left.try_into().unwrap()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A test that fails leaves a server on it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_goes_on_with_the_rest() {
    let Some(disk) = Disk::mount(4) else {
        return;
    };
    let on_disk = async || {
        let folder = disk.path().to_owned();
        Running::configured(|config| config.data_dir = folder).await
    };
    let server = on_disk().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let path = format!("/v2/things/{}", guest.thing);
    let write = async |server: &Running, number: usize| {
        let body = format!(r#"{{"values":[{{"key":"a","value":{number}}}]}}"#);
        server.call("POST", &path, "", &body).await
    };
    let mut stored = Vec::new();
    let mut numbers = 0..;
    for free in 0..12 {
        disk.leave(free);
        let refused = loop {
            let number = numbers.next().unwrap();
            let answer = write(&server, number).await;
            if answer.status != 201 {
                break answer;
            }
            stored.push(number);
            // What was refused is not pushed either.
            let pushed = socket.values("/me/resources/a").await;
            assert_eq!(pushed[0]["value"], json!(number));
        };
        refused.is(
            507,
            r#"{"status":"error","code":507,"message":"the disk is full"}"#,
        );
        // Others log in, subscribe and read.
        let mut other = Socket::open(server.address).await;
        other.log_in(&guest.session).await;
        other.subscribe("/me/resources/a").await;
        let newest = format!("{path}/resources/a");
        let newest = server.call("GET", &newest, "", "").await;
        assert_eq!(newest.status, if stored.is_empty() { 404 } else { 200 });
        // With room again, writes go on without a restart.
        disk.leave(20);
        let number = numbers.next().unwrap();
        assert_eq!(write(&server, number).await.status, 201);
        stored.push(number);
        for socket in [&mut socket, &mut other] {
            let pushed = socket.values("/me/resources/a").await;
            assert_eq!(pushed[0]["value"], json!(number));
        }
    }
    server.stop().await;
    disk.leave(100);
    let server = on_disk().await;
    let all = format!("{path}/resources/a?limit=100");
    let all = server.call("GET", &all, "", "").await.body;
    let all: Vec<Value> = serde_json::from_str(&all).unwrap();
    let all: Vec<_> = all.iter().rev().map(|value| &value["value"]).collect();
    assert_eq!(all, stored);
    server.stop().await;
}

/// The index of the log grows by 32 KiB at a time, after the commit is in the log.
#[tokio::test]
async fn a_log_whose_index_cannot_grow_is_a_full_disk() {
    const REGION: u64 = 32 * 1024;
    let Some(disk) = Disk::mount(32) else {
        return;
    };
    let folder = disk.path().to_owned();
    let server = Running::configured(|config| config.data_dir = folder).await;
    let (thing, _) = server.thing().await;
    let path = format!("/v2/things/{thing}");
    let write = async |value: &str| {
        let body = format!(r#"{{"values":[{{"key":"a","value":{value}}}]}}"#);
        server.call("POST", &path, "", &body).await.status
    };
    // A log that somebody reads does not begin anew.
    let database = disk.path().join("topicd.sqlite");
    let reader = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM series")
        .unwrap();
    let index = disk.path().join("topicd.sqlite-shm");
    let size = || index.metadata().unwrap().len();
    let large = format!(r#""{}""#, "x".repeat(1_000_000));
    for _ in 0..15 {
        assert_eq!(write(&large).await, 201);
    }
    assert_eq!(size(), REGION);
    let mut written = 0;
    let refused = loop {
        // Enough for a write, not for the index as well.
        disk.leave(10);
        match write("1").await {
            201 => written += 1,
            status => break status,
        }
        assert!(written < 1000, "the index has not grown");
    };
    assert_eq!(refused, 507);
    assert!((REGION..2 * REGION).contains(&size()), "{}", size());
    assert!(written > 0);
    disk.leave(100);
    assert_eq!(write("2").await, 201);
    assert_eq!(size(), 2 * REGION);
    drop(reader);
    server.stop().await;
}
