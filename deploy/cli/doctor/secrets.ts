/** The cluster's secret and the certificates, as files of this machine and as the nodes use them. Pure. */
import { answering, type Facts, type TlsFacts } from "./facts.ts";
import { ok, orWell, warning, wrong, type Finding } from "./finding.ts";

export const secretFindings = (facts: Facts): readonly Finding[] => [...keys(facts), ...certificates(facts)];

function keys(facts: Facts): readonly Finding[] {
  const { source, trouble, isFile, keys: count } = facts.secret;
  if (trouble !== null) {
    const mend = isFile
      ? `chmod 600 ${source}, owned by the user of the nodes; copy it from another machine where it is missing`
      : `set the variable ${source}`;
    return [wrong("secret", trouble, mend)];
  }
  if (count > 1)
    return [warning("secret", `${source} has ${count} keys: a rotation is not finished`, "hotspare secret rotate")];
  const rotating = answering(facts).filter(({ report }) => (report.keys?.length ?? 0) > 1);
  if (rotating.length === 0) return [ok("secret", `${source} has one key, and is its owner's alone`)];
  const names = rotating.map(({ host }) => host.id).join(", ");
  return [warning("secret", `${names} accept more than one key: a rotation is not finished`, "hotspare secret rotate")];
}

function certificates({ tls }: Facts): readonly Finding[] {
  return tls.flatMap((one) => orWell(certificate(one), "certificates", `tls.${one.section} is right`));
}

function certificate({ section, trouble, concerns, openKey }: TlsFacts): readonly Finding[] {
  if (trouble !== null) return [wrong("certificates", trouble, `look at the files of tls.${section}; docs/tls.md`)];
  return [
    ...concerns.map((text) => warning("certificates", text, "put new files in their place: nodes take them into use")),
    ...(openKey === null
      ? []
      : [warning("certificates", `others than its owner may read ${openKey}`, `chmod 600 ${openKey}`)]),
  ];
}
