//! The client that gets every value, and its books.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{KEY, Options, things::Thing};
use crate::{connection::Connection, wire::Revision};

/// What has been written, answered and delivered.
pub(super) struct Ledger {
    things: RefCell<Vec<Account>>,
    places: HashMap<String, usize>,
    delays: RefCell<Vec<Duration>>,
    misordered: Cell<u64>,
}

/// One thing. The values under way are all of one request, and its numbers go on from the last.
#[derive(Default)]
struct Account {
    written: u64,
    delivered: u64,
    /// When values came that their writer has no answer for yet.
    early: VecDeque<(u64, Instant)>,
    /// When the answer came, by the first number behind those it is for.
    answered: VecDeque<(u64, Instant)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value<'a> {
    value: &'a str,
    thing_id: &'a str,
}

/// Connects, logs in, subscribes, and books what comes.
pub(super) async fn listen(options: &Options, ledger: Rc<Ledger>) -> io::Result<()> {
    let mut connection = Connection::handshake(&options.target, "").await?;
    connection.expect(b"0{").await?;
    if options.target.eio == Revision::V3 {
        connection.expect(b"40").await?;
    }
    connection.send("40/v2,").await?;
    connection.expect(b"40/v2").await?;
    let log_in = format!(
        r#"42/v2,["authenticate",{{"sessionToken":"{}"}}]"#,
        options.session
    );
    connection.send(&log_in).await?;
    connection
        .expect(br#"42/v2,["authenticate",{"status":"success""#)
        .await?;
    let subscribe = format!(r#"42/v2,["subscribe",{{"resource":"/me/resources/{KEY}"}}]"#);
    connection.send(&subscribe).await?;
    connection
        .expect(br#"42/v2,["subscribe",{"status":"success""#)
        .await?;
    tokio::task::spawn_local(async move {
        let prefix = format!(r#"42/v2,["/me/resources/{KEY}","#);
        while let Ok(text) = connection.next().await {
            let values = text
                .strip_prefix(prefix.as_bytes())
                .and_then(|rest| rest.strip_suffix(b"]"));
            if let Some(values) = values {
                ledger.delivered(values);
            }
        }
    });
    Ok(())
}

impl Ledger {
    pub(super) fn new(things: &[Thing]) -> Self {
        let places = things.iter().enumerate();
        Self {
            things: RefCell::new(things.iter().map(|_| Account::default()).collect()),
            places: places
                .map(|(place, thing)| (thing.id.clone(), place))
                .collect(),
            delays: RefCell::default(),
            misordered: Cell::new(0),
        }
    }

    /// The first number of a request with so many values.
    pub(super) fn begin(&self, thing: usize, batch: usize) -> u64 {
        let account = &mut self.things.borrow_mut()[thing];
        let first = account.written;
        account.written += batch as u64;
        first
    }

    /// A delivery that has overtaken its answer has no delay.
    pub(super) fn answered(&self, thing: usize, first: u64, batch: usize) {
        let account = &mut self.things.borrow_mut()[thing];
        let end = first + batch as u64;
        account.answered.push_back((end, Instant::now()));
        while account
            .early
            .pop_front_if(|(number, _)| *number < end)
            .is_some()
        {
            self.delays.borrow_mut().push(Duration::ZERO);
        }
    }

    fn delivered(&self, values: &[u8]) {
        let now = Instant::now();
        let Ok(values) = serde_json::from_slice::<Vec<Value<'_>>>(values) else {
            return self.disorder();
        };
        for value in values {
            match (value.value.parse(), self.places.get(value.thing_id)) {
                (Ok(number), Some(place)) => self.book(*place, number, now),
                _ => self.disorder(),
            }
        }
    }

    fn book(&self, place: usize, number: u64, now: Instant) {
        let account = &mut self.things.borrow_mut()[place];
        if number != account.delivered {
            self.disorder();
        }
        account.delivered = number + 1;
        while account
            .answered
            .pop_front_if(|(end, _)| *end <= number)
            .is_some()
        {}
        match account.answered.front() {
            Some((_, answered)) => self.delays.borrow_mut().push(now - *answered),
            None => account.early.push_back((number, now)),
        }
    }

    fn disorder(&self) {
        self.misordered.set(self.misordered.get() + 1);
    }

    pub(super) fn forget_delays(&self) {
        self.delays.borrow_mut().clear();
    }

    /// From the answer of a write to its delivery, of every value.
    pub(super) fn take_delays(&self) -> Vec<Duration> {
        self.delays.take()
    }

    pub(super) fn misordered(&self) -> u64 {
        self.misordered.get()
    }

    /// Values that were answered by now and are not delivered when another second has passed.
    pub(super) async fn missing_after_a_second(&self) -> u64 {
        let owed: Vec<u64> = self.things.borrow().iter().map(Account::owed).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let things = self.things.borrow();
        let missing = things.iter().zip(owed);
        missing
            .map(|(account, owed)| owed.saturating_sub(account.delivered))
            .sum()
    }
}

impl Account {
    /// How many values its writer has been promised.
    fn owed(&self) -> u64 {
        self.answered.back().map_or(0, |(end, _)| *end)
    }
}
