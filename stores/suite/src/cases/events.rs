//! Reading events in commit order (r18).

use enact::store::{Commit, Cursor};
use enact::{EventId, Failure};

use crate::TestStore;
use crate::sample::{at, event, job};

async fn emit<const N: usize>(store: &TestStore) -> [EventId; N] {
    let events = [(); N].map(|()| event("sent"));
    let ids = events.each_ref().map(|event| event.id);
    store.submit(events.into(), Vec::new()).await.expect("submit");
    ids
}

pub async fn r18_paging_by_cursor_reads_every_event_once(store: TestStore) {
    let emitted = emit::<7>(&store).await;
    for limit in [1, 2, 3, 7, 8] {
        let (mut found, mut cursor) = (Vec::new(), Cursor::START);
        loop {
            let page = store.events(&cursor, limit).await.expect("events");
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            cursor = last.cursor.clone();
            found.extend(page.into_iter().map(|event| event.id));
            assert!(found.len() <= emitted.len(), "paging ends: {limit} on a page");
        }
        assert_eq!(found, emitted, "{limit} on a page");
    }
}

pub async fn r18_after_each_cursor_come_the_later_events(store: TestStore) {
    emit::<3>(&store).await;
    emit::<2>(&store).await;

    let events = store.all_events().await;
    assert_eq!(events.len(), 5);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(store.events_after(&event.cursor).await, events[index + 1..]);
    }
}

pub async fn r18_a_cursor_can_be_stored_as_text(store: TestStore) {
    let [_, second, third] = emit(&store).await;
    let first = store.all_events().await[0].cursor.to_string();

    let following = store.events_after(&first.parse().expect("a cursor")).await;
    assert_eq!(following.into_iter().map(|event| event.id).collect::<Vec<_>>(), [second, third]);
}

pub async fn r18_later_commits_are_read_after_the_last_cursor(store: TestStore) {
    emit::<2>(&store).await;
    let active = store.run(job("ship")).await;
    let last = store.all_events().await.remove(1).cursor;
    assert_eq!(store.events_after(&last).await, []);

    let staged = event("shipped");
    let staged_id = staged.id;
    store.accept(Commit { events: vec![staged], ..active.succeeds() }).await;
    let [submitted] = emit(&store).await;

    let following = store.events_after(&last).await;
    assert_eq!(following.into_iter().map(|event| event.id).collect::<Vec<_>>(), [staged_id, submitted]);
}

/// The code of the failure to read after a cursor.
async fn refusal(store: &TestStore, cursor: u64) -> String {
    let error = store.events(&Cursor::from_number(cursor), 9).await.expect_err("the cursor is ahead");
    let failure = Failure::from(error);
    assert!(failure.message().contains(&format!("the cursor {cursor} ")), "{failure}");
    failure.code().to_owned()
}

pub async fn r18_a_cursor_ahead_of_the_last_event_is_refused(store: TestStore) {
    assert_eq!(store.events_after(&Cursor::START).await, []);
    assert_eq!(refusal(&store, 1).await, "cursor_ahead");
    emit::<2>(&store).await;
    let last = store.all_events().await.remove(1).cursor;

    assert_eq!(store.events(&last, 9).await.expect("events"), []);
    for ahead in [last.number() + 1, u64::MAX] {
        assert_eq!(refusal(&store, ahead).await, "cursor_ahead");
    }
}

pub async fn r18_a_cursor_at_the_end_of_a_pruned_log_is_not_ahead(store: TestStore) {
    emit::<2>(&store).await;
    let last = store.all_events().await.remove(1).cursor;
    assert_eq!(store.prune_events(at(1_000), at(1_000), 9).await.expect("prune_events"), 2);

    assert_eq!(store.events(&last, 9).await.expect("events"), []);
    assert_eq!(refusal(&store, last.number() + 1).await, "cursor_ahead");
}

pub async fn r15_the_events_of_a_refused_commit_are_never_read(store: TestStore) {
    let active = store.run(job("ship")).await;
    store.accept(active.fails()).await;
    store.fence(Commit { events: vec![event("shipped")], ..active.succeeds() }).await;
    let emitted = emit::<1>(&store).await;

    let found: Vec<EventId> = store.all_events().await.into_iter().map(|event| event.id).collect();
    assert_eq!(found, emitted);
}

pub async fn a_limit_of_zero_reads_no_event(store: TestStore) {
    emit::<1>(&store).await;

    assert_eq!(store.events(&Cursor::START, 0).await.expect("events"), []);
}
