/** A realistic history: many users, a few apps, places, bursts, and every kind of event with its own panels. */

interface Place {
  city: string;
  country: string;
  continent: string;
  lat: number;
  long: number;
}

const PLACES: Place[] = [
  { city: "Berlin", country: "DE", continent: "EU", lat: 52.52, long: 13.4 },
  { city: "Vienna", country: "AT", continent: "EU", lat: 48.21, long: 16.37 },
  { city: "Lisbon", country: "PT", continent: "EU", lat: 38.72, long: -9.14 },
  { city: "Nairobi", country: "KE", continent: "AF", lat: -1.29, long: 36.82 },
  { city: "Mumbai", country: "IN", continent: "AS", lat: 19.08, long: 72.88 },
  { city: "Osaka", country: "JP", continent: "AS", lat: 34.69, long: 135.5 },
  { city: "Sydney", country: "AU", continent: "OC", lat: -33.87, long: 151.21 },
  { city: "São Paulo", country: "BR", continent: "SA", lat: -23.55, long: -46.63 },
  { city: "Chicago", country: "US", continent: "NA", lat: 41.88, long: -87.63 },
  { city: "Seattle", country: "US", continent: "NA", lat: 47.61, long: -122.33 },
];
const USERS = ["ann.lee", "bob", "chidi", "dora.m", "emre", "farah", "goran", "hana", "ines", "jonas", "kofi", "lena"];
const APPS = [
  "authentik.core",
  "authentik.events.signals",
  "authentik.providers.oauth2.views.authorize",
  "shop.checkout",
  "shop.web",
];

const object = (name: string) => ({ name, pk: `7e88f4a991c442c1a1335d80f08${String(10_000 + USERS.indexOf(name))}` });

/** Reproducible random numbers (mulberry32), so that screenshots can be compared. */
export function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function history(count: number, until: number, days: number, seed = 7): object[] {
  const roll = dice(seed);
  const pick = <T>(list: T[]): T => list[Math.floor(roll() * roll() * list.length)]!;
  return Array.from({ length: count }, (_, at) => {
    // More recent events, and a burst of failed logins.
    const burst = at % 23 === 0;
    const back = burst ? 2.2 * 86_400_000 + roll() * 5_400_000 : roll() ** 1.4 * days * 86_400_000;
    const created = new Date(until - back).toISOString();
    const username = pick(USERS);
    const place = pick(PLACES);
    const ip = `198.51.100.${1 + Math.floor(roll() * 60)}`;
    const user = { pk: USERS.indexOf(username) + 1, username, email: `${username}@example.org` };
    const request = {
      http_request: { method: "GET", path: "/api/v3/flows/executor/default-authentication-flow/", args: { next: "/" } },
    };
    const common = { user, client_ip: ip, created };
    const kind = burst ? 0.3 : roll();
    if (kind < 0.34 && kind >= 0.28) {
      return {
        ...common,
        action: "login_failed",
        app: APPS[1],
        user: { pk: 2, username: "AnonymousUser", email: "" },
        context: {
          username,
          stage: {
            app: "authentik_stages_password",
            model_name: "passwordstage",
            name: "default-authentication-password",
          },
          geo: place,
          ...request,
        },
      };
    }
    if (kind < 0.28)
      return { ...common, action: "login", app: APPS[1], context: { auth_method: "password", geo: place, ...request } };
    if (kind < 0.42) return { ...common, action: "logout", app: APPS[1], context: request };
    if (kind < 0.62)
      return {
        ...common,
        action: "authorize_application",
        app: APPS[2],
        context: {
          authorized_application: {
            app: "authentik_core",
            model_name: "application",
            name: pick(["Grafana", "Wiki", "Mail", "Chat"]),
          },
          scopes: "openid profile email",
          geo: place,
          ...request,
        },
      };
    if (kind < 0.72)
      return {
        ...common,
        action: "model_updated",
        app: APPS[0],
        context: {
          model: { app: "authentik_core", model_name: "user", ...object(pick(USERS)) },
          diff: {
            email: { previous_value: `${username}@old.example`, new_value: `${username}@example.org` },
            is_active: { previous_value: true, new_value: false },
          },
          ...request,
        },
      };
    if (kind < 0.75)
      return {
        ...common,
        action: "model_created",
        app: APPS[0],
        context: { model: { app: "authentik_core", model_name: "group", name: "operators" }, ...request },
      };
    if (kind < 0.9)
      return {
        ...common,
        action: "order_paid",
        app: APPS[3],
        context: {
          message: `Order ${10_000 + at} paid`,
          amount: Math.round(roll() * 20_000) / 100,
          currency: "EUR",
          items: [{ sku: "N-1", quantity: 1 }],
        },
      };
    if (kind < 0.97)
      return {
        ...common,
        action: "page_slow",
        app: APPS[4],
        context: { message: "Slow page", path: "/search", ms: 1500 + Math.floor(roll() * 4000) },
      };
    return {
      ...common,
      action: "system_exception",
      app: APPS[0],
      context: {
        message: "division by zero",
        exception: [
          {
            exc_type: "ZeroDivisionError",
            exc_value: "division by zero",
            frames: [
              { filename: "/app/views.py", lineno: 42, name: "get" },
              { filename: "/app/sums.py", lineno: 7, name: "mean" },
            ],
          },
        ],
        ...request,
      },
    };
  });
}

/** An event whose author wants the console to run, reorder or break something. */
export const HOSTILE = {
  action: "hostile",
  app: "<script>alert(1)</script>",
  user: { username: "‮resu lamron‬<b>" },
  context: {
    message:
      "<img src=x onerror=\"document.title='broken'\"> <script>document.title='broken'</script> \u202egnp.exe 🧨👨‍👩‍👧",
    "<svg onload=alert(1)>": "javascript:alert(1)",
    hyperlink: "javascript:document.title='broken'",
    long: "x".repeat(200_000),
    zalgo: "Z̷̢̛a̶l̵g̷o̸",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an attack on a template engine
    nested: { a: { b: { c: { d: ["</script>", "]]>", "{{7*7}}", "${7*7}"] } } } },
    __proto__key: "x",
    diff: { "<b>field</b>": { previous_value: "<i>old</i>", new_value: "\u2066new\u2069" } },
    geo: { lat: 1e308, long: -1, city: "<b>Nowhere</b>", country: "\u202e" },
    exception: "Traceback <script>alert(1)</script>",
  },
};

/** An update of a model with nested values and a list of similar objects. */
export const DEEP = {
  action: "model_updated",
  app: "authentik.core",
  user: { username: "ann.lee" },
  context: {
    model: { app: "authentik_core", model_name: "user", name: "bob", pk: "7e88f4a991c442c1a1335d80f0827d7f" },
    diff: {
      attributes: {
        previous_value: { settings: { locale: "en", theme: { base: "light" } } },
        new_value: {
          settings: { locale: "de", theme: { base: "light" }, zone: { of: { the: { clock: "Europe/Berlin" } } } },
        },
      },
      groups: { add: ["operators"], remove: ["guests"] },
    },
    items: [
      { sku: "N-1", quantity: 1 },
      { sku: "N-22", quantity: 3 },
    ],
    deep: { a: { b: { c: { d: { e: { f: "so far down" } } } } } },
  },
};
