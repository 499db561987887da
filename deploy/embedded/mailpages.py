"""The sink's pages: a list of mails and a mail; they load nothing from anywhere and run no script, whatever a mail contains."""

from __future__ import annotations

from html import escape

from deploy.embedded.mailbox import Content, Mail

MOST_LISTED = 500
STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; --accent: #0b6e8a }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.4rem; margin: 0 0 .25rem } a { color: var(--accent) } p.soft, td.soft, dt { color: var(--soft) }
table { border-collapse: collapse; width: 100%; margin-top: 1rem } th { text-align: start; font-weight: 600 }
th, td { border-bottom: 1px solid var(--line); padding: .5rem .6rem .5rem 0; vertical-align: top; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 } dd { margin: 0; overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: 1rem; border-radius: .4rem }
iframe { width: 100%; height: 34rem; border: 1px solid var(--line); border-radius: .4rem; background: #fff }
@media (max-width: 40rem) { thead { display: none } td { display: block; border: 0; padding: .1rem 0 } tr { display: block;
border-bottom: 1px solid var(--line); padding: .6rem 0 } }
"""


def list_page(mails: list[Mail]) -> str:
    """Every mail, newest first: when, to whom, in which language, about what."""
    rows = "".join(_row(mail) for mail in mails[:MOST_LISTED])
    table = f"<table><thead><tr><th>Received (UTC)<th>To<th>Language<th>Subject</thead><tbody>{rows}</tbody></table>"
    more = f"<p class=soft>The newest {MOST_LISTED} are shown.</p>" if len(mails) > MOST_LISTED else ""
    nothing = "<p>No mail has arrived yet. Mails that Interurbe sends on this machine end here and nowhere else.</p>"
    head = f'<h1>Mails</h1><p class=soft>{len(mails)} kept · <a href="/mails.json">as JSON</a></p>'
    return _page("Mails", head + (table + more if mails else nothing))


def mail_page(content: Content) -> str:
    """One mail: its envelope, its text, its HTML in a frame that may do nothing, and its headers."""
    mail = content.mail
    facts = {"To": ", ".join(mail.to), "From": mail.sender, "Language": mail.language, "Date": mail.date, "Message-ID": mail.message_id}
    listed = "".join(f"<dt>{name}<dd>{escape(value)}" for name, value in facts.items() if value)
    frame = f'<h2>HTML</h2><iframe title="HTML part" sandbox srcdoc="{escape(content.html)}"></iframe>' if content.html else ""
    text = f"<h2>Text</h2><pre dir=auto>{escape(content.text)}</pre>" if content.text else ""
    headers = escape("\n".join(f"{name}: {value}" for name, value in content.headers))
    links = f'<p><a href="/">All mails</a> · <a href="/mails/{mail.id}.json">as JSON</a> · <a href="/mails/{mail.id}.eml">as a file</a></p>'
    body = f"{links}<h1 dir=auto>{escape(mail.subject)}</h1><dl>{listed}</dl>{text}{frame}<h2>Headers</h2><pre>{headers}</pre>"
    return _page(mail.subject, body)


def missing_page() -> str:
    """There is no such mail."""
    return _page("Not found", '<h1>There is no such mail</h1><p><a href="/">All mails</a></p>')


def _row(mail: Mail) -> str:
    when = mail.received_at[:19].replace("T", " ")
    subject = escape(mail.subject) or "(no subject)"
    to, language = escape(", ".join(mail.to)), escape(mail.language)
    return f'<tr><td class=soft>{when}<td>{to}<td lang="">{language}<td dir=auto><a href="/mails/{mail.id}">{subject}</a>'


def _page(title: str, body: str) -> str:
    name = escape(title)
    head = f'<meta charset=utf-8><meta name=viewport content="width=device-width"><title>{name}</title><style>{STYLE}</style>'
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"
