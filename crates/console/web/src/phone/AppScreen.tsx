// What an app in front shows: the demo app has its pages; of another app the page shows what the app says about itself.

import type { AppDetail } from "../api/device";
import { newsScreen } from "../api/news";
import styles from "./AppScreen.module.css";
import { News } from "./news/News";
import type { Hands } from "./usePhone";

interface Props {
  app: AppDetail;
  hands: Hands;
}

export function AppScreen({ app, hands }: Props) {
  const screen = newsScreen(app.screen);
  if (screen !== undefined) {
    return <News app={app} screen={screen} hands={hands} />;
  }
  return (
    <div className={styles.other}>
      <h3>{app.name}</h3>
      <dl>
        {Object.entries(app.screen ?? {}).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
