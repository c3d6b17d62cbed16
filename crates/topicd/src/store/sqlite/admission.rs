//! Who may come in, decided in step with the changes: a session that was ended before does not get
//! in, and one that is ended after is told.

use super::{
    accounts, replay, things,
    writer::{Changed, Transaction},
};
use crate::{
    store::{
        Admission, Admitted, Effect, Holder, OnAdmitted, Replay, ReplayRequest, Right, Session,
        StoreError, Ticket,
    },
    token::Digest,
};

pub(super) fn admit(
    tx: &Transaction<'_>,
    ticket: &Ticket,
    replay: Option<&ReplayRequest>,
    then: OnAdmitted,
) -> Changed<Admission> {
    let holder = match ticket {
        Ticket::Session(session) => live_session(tx, *session)?
            .map(Holder::Session)
            .ok_or(Admission::NoSession),
        Ticket::Thing { session, thing } => admit_to_thing(tx, *session, *thing)?,
    };
    Ok(match holder {
        Ok(holder) => {
            let replay = replay.map(|request| stored(tx, &holder, request));
            let replay = replay.transpose()?;
            let admitted = Admitted { holder, replay };
            let enter = Effect::Admit(Box::new(move || then(admitted)));
            (Admission::Admitted, enter)
        }
        Err(refusal) => (refusal, Effect::None),
    })
}

/// What the holder may see of what is stored, at this moment.
fn stored(
    tx: &Transaction<'_>,
    holder: &Holder,
    request: &ReplayRequest,
) -> Result<Replay, StoreError> {
    match holder {
        Holder::Session(session) => {
            replay::read(tx, &things::linked(tx.db, session.user)?, request)
        }
        Holder::Thing(thing) => replay::read(tx, std::slice::from_ref(thing), request),
    }
}

fn admit_to_thing(
    tx: &Transaction<'_>,
    session: Option<Digest>,
    thing: Digest,
) -> Result<Result<Holder, Admission>, StoreError> {
    if let Some(session) = session
        && live_session(tx, session)?.is_none()
    {
        return Ok(Err(Admission::NoSession));
    }
    let thing = things::by_token(tx.db, thing, Right::READ)?;
    Ok(thing.map(Holder::Thing).ok_or(Admission::NoThing))
}

fn live_session(tx: &Transaction<'_>, token: Digest) -> Result<Option<Session>, StoreError> {
    let session = accounts::session(tx.db, token)?;
    Ok(session.filter(|session| !session.has_expired(tx.now)))
}
