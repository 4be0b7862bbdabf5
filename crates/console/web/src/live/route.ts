// What is open in the drawer stands in the address after the `#`, so that a reload, the back button and a link keep it.

import { useCallback, useSyncExternalStore } from "react";

export type Route = { open: "nothing" } | { open: "push"; id: string } | { open: "notification"; apnsId: string };

const NOTHING: Route = { open: "nothing" };

export function routeOf(hash: string): Route {
  const [what, name = ""] = hash.replace(/^#\/?/, "").split("/");
  let id = name;
  try {
    id = decodeURIComponent(name);
  } catch {
    return NOTHING;
  }
  if (id !== "" && what === "push") {
    return { open: "push", id };
  }
  return id !== "" && what === "notification" ? { open: "notification", apnsId: id } : NOTHING;
}

export function hashOf(route: Route): string {
  switch (route.open) {
    case "push":
      return `#/push/${encodeURIComponent(route.id)}`;
    case "notification":
      return `#/notification/${encodeURIComponent(route.apnsId)}`;
    case "nothing":
      return "#/";
  }
}

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

export function useRoute(): [Route, (route: Route) => void] {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  const go = useCallback((route: Route) => {
    window.history.pushState(null, "", hashOf(route));
    listeners.forEach((listener) => listener());
  }, []);
  return [routeOf(hash), go];
}
