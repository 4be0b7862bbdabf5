//! Which of the iOS 9 callbacks an app gets, and in which state: the precedence of *UIApplicationDelegate*'s methods. An
//! app finds out what happened by the state, since the same callback comes on arrival and on a tap.

/// Whence a notification came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Remote,
    Local,
}

/// When an app may be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It arrived while the app was in front. iOS 9 then shows nothing, ever.
    ForegroundArrival,
    /// A silent one arrived while the app was not, or it started the app.
    BackgroundArrival,
    /// The user tapped it, and the app came to the front.
    Tap,
    /// The tap started the app.
    LaunchingTap,
    /// The user chose an action of it.
    Action,
}

/// The methods that an app's delegate has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Has {
    /// *application(_:didReceiveRemoteNotification:)*.
    pub remote: bool,
    /// *application(_:didReceiveRemoteNotification:fetchCompletionHandler:)*.
    pub fetch: bool,
    /// *application(_:didReceive:)* with a *UILocalNotification*.
    pub local: bool,
}

/// The method that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    Remote,
    Fetch,
    Local,
    HandleAction,
}

/// *UIApplication.State*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    Active,
    /// On the way to the front.
    Inactive,
    Background,
}

/// The callback, if there is one, and the state in which the app gets it. Of the two remote ones, that with the
/// completion handler wins wherever both are there; it alone comes in background and after a tap that started the app.
pub fn callback(origin: Origin, moment: Moment, has: Has) -> Option<(Callback, ApplicationState)> {
    let state = match moment {
        Moment::ForegroundArrival => ApplicationState::Active,
        Moment::Tap | Moment::LaunchingTap => ApplicationState::Inactive,
        Moment::BackgroundArrival | Moment::Action => ApplicationState::Background,
    };
    let called = match (origin, moment) {
        (_, Moment::Action) => Some(Callback::HandleAction),
        (Origin::Remote, _) if has.fetch => Some(Callback::Fetch),
        (Origin::Remote, Moment::ForegroundArrival | Moment::Tap) => has.remote.then_some(Callback::Remote),
        (Origin::Local, Moment::ForegroundArrival | Moment::Tap) => has.local.then_some(Callback::Local),
        (Origin::Remote | Origin::Local, Moment::BackgroundArrival | Moment::LaunchingTap) => None,
    };
    called.map(|called| (called, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_callback_has_its_moment_and_the_one_with_the_handler_wins() {
        use ApplicationState::*;
        use Moment::*;
        let none = Has::default();
        let plain = Has { remote: true, ..none };
        let fetch = Has { fetch: true, ..none };
        let both = Has { remote: true, ..fetch };
        let local = Has { local: true, ..none };
        for (origin, moment, has, called) in [
            (Origin::Remote, ForegroundArrival, none, None),
            (Origin::Remote, ForegroundArrival, plain, Some((Callback::Remote, Active))),
            (Origin::Remote, ForegroundArrival, fetch, Some((Callback::Fetch, Active))),
            (Origin::Remote, ForegroundArrival, both, Some((Callback::Fetch, Active))),
            (Origin::Remote, BackgroundArrival, plain, None),
            (Origin::Remote, BackgroundArrival, both, Some((Callback::Fetch, Background))),
            (Origin::Remote, Tap, plain, Some((Callback::Remote, Inactive))),
            (Origin::Remote, Tap, both, Some((Callback::Fetch, Inactive))),
            (Origin::Remote, LaunchingTap, plain, None),
            (Origin::Remote, LaunchingTap, both, Some((Callback::Fetch, Inactive))),
            (Origin::Remote, Action, none, Some((Callback::HandleAction, Background))),
            (Origin::Local, ForegroundArrival, none, None),
            (Origin::Local, ForegroundArrival, both, None),
            (Origin::Local, ForegroundArrival, local, Some((Callback::Local, Active))),
            (Origin::Local, BackgroundArrival, local, None),
            (Origin::Local, Tap, local, Some((Callback::Local, Inactive))),
            (Origin::Local, LaunchingTap, local, None),
            (Origin::Local, Action, local, Some((Callback::HandleAction, Background))),
        ] {
            assert_eq!(callback(origin, moment, has), called, "{origin:?} {moment:?} {has:?}");
        }
    }
}
