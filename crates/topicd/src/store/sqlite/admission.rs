//! Who may come in, decided in step with the changes: a session that was ended before does not get
//! in, and one that is ended after is told.

use super::{
    accounts, things,
    writer::{Changed, Transaction},
};
use crate::{
    store::{Admission, Admitted, Effect, OnAdmitted, Session, StoreError, Ticket},
    token::Digest,
};

pub(super) fn admit(tx: &Transaction<'_>, ticket: &Ticket, then: OnAdmitted) -> Changed<Admission> {
    let admitted = match ticket {
        Ticket::Session(session) => live_session(tx, *session)?
            .map(Admitted::Session)
            .ok_or(Admission::NoSession),
        Ticket::Thing { session, thing } => admit_to_thing(tx, *session, *thing)?,
    };
    Ok(match admitted {
        Ok(admitted) => {
            let enter = Effect::Admit(Box::new(move || then(admitted)));
            (Admission::Admitted, enter)
        }
        Err(refusal) => (refusal, Effect::None),
    })
}

fn admit_to_thing(
    tx: &Transaction<'_>,
    session: Option<Digest>,
    thing: Digest,
) -> Result<Result<Admitted, Admission>, StoreError> {
    if let Some(session) = session
        && live_session(tx, session)?.is_none()
    {
        return Ok(Err(Admission::NoSession));
    }
    let thing = things::by_token(tx.db, thing)?;
    Ok(thing.map(Admitted::Thing).ok_or(Admission::NoThing))
}

fn live_session(tx: &Transaction<'_>, token: Digest) -> Result<Option<Session>, StoreError> {
    let session = accounts::session(tx.db, token)?;
    Ok(session.filter(|session| !session.has_expired(tx.now)))
}
