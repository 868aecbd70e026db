//! Reading events in commit order (r18).

use enact::EventId;
use enact::store::{Commit, Cursor};

use super::Subject;
use super::sample::{event, job};

async fn emit<const N: usize>(store: &Subject) -> [EventId; N] {
    let events = [(); N].map(|()| event("sent"));
    let ids = events.each_ref().map(|event| event.id);
    store.submit(events.into(), Vec::new()).await.expect("submit");
    ids
}

pub async fn r18_every_event_is_read_once_behind_the_cursor_of_the_one_before(store: Subject) {
    let emitted = emit::<7>(&store).await;
    for limit in [1, 2, 3, 7, 8] {
        let (mut found, mut cursor) = (Vec::new(), Cursor::START);
        loop {
            let page = store.events(cursor, limit).await.expect("events");
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            cursor = last.cursor;
            found.extend(page.into_iter().map(|event| event.id));
            assert!(found.len() <= emitted.len(), "the pages come to an end: {limit} on a page");
        }
        assert_eq!(found, emitted, "{limit} on a page");
    }
}

pub async fn r18_cursors_grow_and_lie_behind_the_start(store: Subject) {
    emit::<3>(&store).await;
    emit::<2>(&store).await;

    let cursors: Vec<Cursor> = store.all_events().await.into_iter().map(|event| event.cursor).collect();
    assert!(cursors[0] > Cursor::START);
    assert!(cursors.is_sorted_by(|left, right| left < right), "{cursors:?}");
}

pub async fn r18_a_cursor_outlives_its_being_kept_as_a_number(store: Subject) {
    let [_, second, third] = emit(&store).await;
    let first = store.all_events().await[0].cursor;

    let behind = store.events_behind(Cursor::from_u64(first.as_u64())).await;
    assert_eq!(behind.into_iter().map(|event| event.id).collect::<Vec<_>>(), [second, third]);
}

pub async fn r18_what_commits_later_is_found_behind_the_last_cursor(store: Subject) {
    emit::<2>(&store).await;
    let taken = store.run(job("ship")).await;
    let last = store.all_events().await[1].cursor;
    assert_eq!(store.events_behind(last).await, []);

    let staged = event("shipped");
    let staged_id = staged.id;
    store.accept(Commit { events: vec![staged], ..taken.succeeds() }).await;
    let [submitted] = emit(&store).await;

    let behind = store.events_behind(last).await;
    assert_eq!(behind.into_iter().map(|event| event.id).collect::<Vec<_>>(), [staged_id, submitted]);
}

pub async fn r15_the_events_of_a_refused_commit_are_never_read(store: Subject) {
    let taken = store.run(job("ship")).await;
    store.accept(taken.fails()).await;
    store.fence(Commit { events: vec![event("shipped")], ..taken.succeeds() }).await;
    let emitted = emit::<1>(&store).await;

    let found: Vec<EventId> = store.all_events().await.into_iter().map(|event| event.id).collect();
    assert_eq!(found, emitted);
}

pub async fn a_limit_of_none_reads_none(store: Subject) {
    emit::<1>(&store).await;

    assert_eq!(store.events(Cursor::START, 0).await.expect("events"), []);
}
