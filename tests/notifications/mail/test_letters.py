"""The bytes of a mail: what every reader gets, what only one gets, and what nobody can smuggle in."""

import email
import email.policy
from email.headerregistry import Address
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.mail.letters import Prepared, Reader, Words, encoded, is_safe, slot, unmarked

SENDER = Address("Interurbe", "avisos", "interurbe.example")
DATE = b"Sun, 22 Nov 2026 17:00:00 +0000"
HEAD = [
    "Message-ID", "Date", "To", "List-Unsubscribe", "X-Trace-Id", "From", "List-Id", "List-Unsubscribe-Post", "Auto-Submitted",
    "X-Auto-Response-Suppress", "Content-Language", "MIME-Version", "Subject", "Content-Type",
]  # fmt: skip
URL = "https://avisos.example/unsubscribe/TOKEN"


def sent(words: Words, reason: str = "porque sí") -> bytes:
    """The bytes for one reader, as they go out after DATA."""
    link = encoded(URL)
    own = {"reason": (encoded(reason), encoded(reason)), "unsubscribe": (link, link), "unsubscribe_url": (URL.encode(), b"")}
    return Prepared(words, SENDER).bytes_for(Reader("m-1", "ana@medellin.example", "0" * 32, own), DATE)


def mail(words: Words, reason: str = "porque sí") -> bytes:
    """The same as a server stores them."""
    return sent(words, reason).removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")


def parsed(words: Words, reason: str = "porque sí") -> EmailMessage:
    message = email.message_from_bytes(mail(words, reason), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def words(subject: str = "Acuerdo", text: str = "Hola", html: str = "<p>Hola</p>") -> Words:
    return Words("agreement_signed", "es", subject, text, html)


def test_headers_are_those_of_a_well_behaved_notice() -> None:
    message = parsed(words("Acuerdo firmado: Ñuñoa y Kyiv"))
    assert message["Subject"] == "Acuerdo firmado: Ñuñoa y Kyiv"
    assert message["From"] == "Interurbe <avisos@interurbe.example>"
    assert message["To"] == "ana@medellin.example"
    assert message["Message-ID"] == "<m-1@interurbe.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "Interurbe <agreement-signed.interurbe.example>"
    assert message["List-Unsubscribe"] == f"<{URL}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Content-Language"] == "es"
    assert message["X-Trace-Id"] == "0" * 32
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []


def test_each_reader_gets_words_of_their_own_in_both_forms() -> None:
    message = parsed(words(text=f"Uno {slot('reason')} dos", html=f'<a href="{slot("unsubscribe")}">{slot("reason")}</a>'), "¡sí!")
    assert body(message, "plain").strip() == "Uno ¡sí! dos"
    assert body(message, "html").strip() == f'<a href="{URL}">¡sí!</a>'


def test_every_line_is_short_enough_for_smtp() -> None:
    data = mail(words("palabra " * 20, "palabra " * 400, "<p>" + "x" * 5000 + "</p>"), "r" * 500)
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert data.isascii()


@given(st.text(min_size=1), st.text())
def test_any_text_arrives_as_it_was(text: str, reason: str) -> None:
    plain = unmarked(text).replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    said = reason.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    message = parsed(words(text=plain + slot("reason") + "."), said)
    assert body(message, "plain").rstrip("\n") == (plain + said + ".").rstrip("\n")


@given(st.text(alphabet=st.sampled_from("a.\r\nñ=: ")), st.text(alphabet=st.sampled_from("a.\r\n")))
def test_no_text_ends_the_mail_early_or_adds_a_line_to_its_head(text: str, reason: str) -> None:
    data = sent(words(text=text + slot("reason") + text, html=text), reason)
    assert data.count(b"\r\n.\r\n") == 1
    assert data.endswith(b"\r\n.\r\n")
    head, _, _ = data.partition(b"\r\n\r\n")
    assert [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] != b" "] == HEAD


def test_only_plain_addresses_can_stand_in_an_envelope() -> None:
    assert is_safe("ana.perez+avisos@xn--mller-kva.example")
    poisoned = ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "a@b.example\r\n", "<a@b.example>"]
    poisoned += ["a,c@b.example", "a@b@c.example", "ñ@b.example", ""]
    assert [address for address in poisoned if is_safe(address)] == []
