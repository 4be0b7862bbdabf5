// The page as a whole: signed in or not, and what surrounds the stage.

import { useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { whenSignedOut } from "./api/call";
import { session } from "./api/session";
import { useWords } from "./i18n/language";
import { ClockProvider } from "./live/clock";
import { NoticesProvider } from "./live/notices";
import { StreamsProvider } from "./live/streams";
import { asProblem } from "./live/useReading";
import { Notices } from "./parts/Notices";
import { useTheme } from "./parts/theme";
import { type Arrived, arrive } from "./session/arrive";
import { SignedOut } from "./session/SignedOut";
import { Stage } from "./stage/Stage";
import { TopBar } from "./stage/TopBar";
import { Trouble } from "./session/Trouble";

export function App({ arrived }: { arrived: Promise<Arrived> }) {
  const { t } = useWords();
  const [theme, setTheme] = useTheme();
  const [state, setState] = useState<Arrived>();
  useEffect(() => {
    void arrived.then(setState);
    whenSignedOut(() => setState({ about: undefined, spent: false }));
  }, [arrived]);
  if (state === undefined) {
    return null;
  }
  if ("problem" in state) {
    return <Trouble problem={state.problem} onAgain={() => void arrive().then(setState)} />;
  }
  if (state.about === undefined) {
    return <SignedOut spent={state.spent} />;
  }
  const { about } = state;
  const signOut = async () => {
    // The page goes first, and its streams with it: the console ends them when the session ends.
    flushSync(() => setState({ about: undefined, spent: false }));
    await session.end().catch((error: unknown) => setState({ problem: asProblem(error) }));
  };
  return (
    <NoticesProvider>
      <StreamsProvider app={about.demo.bundle_id}>
        <ClockProvider>
          <a className="skip" href="#phone-side">
            {t.page.skipToPhone}
          </a>
          <a className="skip" href="#send">
            {t.page.skipToSend}
          </a>
          <TopBar version={about.version} theme={theme} onTheme={setTheme} onSignOut={() => void signOut()} />
          <main>
            <Stage about={about} />
          </main>
          <Notices />
        </ClockProvider>
      </StreamsProvider>
    </NoticesProvider>
  );
}
