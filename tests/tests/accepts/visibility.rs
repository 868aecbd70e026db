//! Every visibility: what is generated is as visible as the item, and no more.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use enact::prelude::*;

use super::execute;

/// A private type in a public one.
#[value]
struct Secret(u8);

/// A box that everyone may name.
#[entity]
pub struct Crate {
    /// Its identity.
    pub id: u64,
    secret: u8,
    pub(crate) weight: u64,
    pub(super) opened: bool,
}

/// Open a box.
#[command(target = id)]
pub(crate) struct Unpack {
    pub(crate) id: u64,
    secret: Secret,
}

impl From<&Unpack> for Crate {
    fn from(unpack: &Unpack) -> Self {
        Self { id: unpack.id, secret: unpack.secret.0, weight: 0, opened: false }
    }
}

#[event]
pub(super) struct Unpacked {
    secret: Secret,
}

#[strategy]
pub(in crate::accepts) trait Tool {
    async fn open(&self, secret: u8) -> u8;
}

pub(super) struct Crowbar;

#[strategy(variant)]
impl Tool for Crowbar {
    async fn open(&self, secret: u8) -> u8 {
        secret
    }
}

#[strategy(policy)]
pub(super) fn tool(_context: &ExecutionContext) -> Box<dyn Tool> {
    Box::new(Crowbar)
}

#[command(create = if_missing)]
pub(super) async fn unpack(unpack: Unpack, opened: &mut Crate, tool: Box<dyn Tool>) {
    opened.secret = tool.open(unpack.secret.0).await;
    opened.opened = true;
    emit(Unpacked { secret: unpack.secret });
}

#[event_handler]
pub(super) async fn inspect(unpacked: Unpacked) {
    assert_ne!(unpacked.secret.0, 0);
}

/// What is opened is known.
#[invariant]
pub(in crate::accepts) fn known(opened: &Crate) -> bool {
    opened.opened && opened.secret > 0
}

#[tokio::test]
async fn an_item_may_be_as_private_as_its_author_likes() {
    execute(Unpack { id: 1, secret: Secret(7) }).await.expect("it is opened");
    execute(Unpack { id: 1, secret: Secret(0) }).await.expect_err("it is not known");
}
