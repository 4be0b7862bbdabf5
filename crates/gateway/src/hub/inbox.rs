//! What other threads hand to one core: gathered in a vector, with one wake for each time it stops being empty.

use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use crate::notification::lock;

#[derive(Debug)]
pub(crate) struct Inbox<T> {
    state: Mutex<State<T>>,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: Vec<T>,
    waker: Option<Waker>,
}

impl<T> Inbox<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State { waiting: Vec::new(), waker: None }), capacity }
    }

    /// Hands the item back when too many wait.
    pub(crate) fn offer(&self, item: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if state.waiting.len() >= self.capacity {
            return Err(item);
        }
        state.waiting.push(item);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// For items whose number something else bounds: answers to what this core has asked, and leavings.
    pub(crate) fn put(&self, items: impl IntoIterator<Item = T>) {
        let mut state = lock(&self.state);
        state.waiting.extend(items);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Moves all items into `into`, without waiting for one.
    pub(crate) fn take(&self, into: &mut Vec<T>) {
        into.append(&mut lock(&self.state).waiting);
    }

    /// Swaps all items into `into`, which is empty; pending until there is one.
    pub(crate) fn poll_take(&self, cx: &Context<'_>, into: &mut Vec<T>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.waiting.is_empty() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        std::mem::swap(&mut state.waiting, into);
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_inbox_hands_the_item_back_and_keeps_the_order() {
        let inbox = Inbox::new(2);
        assert_eq!((inbox.offer(1), inbox.offer(2), inbox.offer(3)), (Ok(()), Ok(()), Err(3)));
        inbox.put([4]);
        let mut taken = Vec::new();
        let cx = Context::from_waker(Waker::noop());
        assert!(inbox.poll_take(&cx, &mut taken).is_ready());
        assert_eq!(taken, [1, 2, 4]);
        taken.clear();
        assert!(inbox.poll_take(&cx, &mut taken).is_pending());
    }
}
