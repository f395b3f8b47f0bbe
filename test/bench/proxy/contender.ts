/** Who is compared: nobody between, other proxies, and Hotspare. */
export const CONTENDERS = ["direct", "nginx", "haproxy", "http-proxy", "hotspare-1", "hotspare-2"] as const;

export type Contender = (typeof CONTENDERS)[number];

export const TITLES: Readonly<Record<Contender, string>> = {
  direct: "direct",
  nginx: "nginx",
  haproxy: "HAProxy",
  "http-proxy": "http-proxy",
  "hotspare-1": "Hotspare, 1 worker",
  "hotspare-2": "Hotspare, 2 workers",
};

export const isHotspare = (contender: Contender): boolean => contender.startsWith("hotspare");
