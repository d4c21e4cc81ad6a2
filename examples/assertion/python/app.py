"""An app that believes Vestibule-Assertion and nothing else. Needs PyJWT with cryptography:

    pip install "pyjwt[crypto]"            (or apt-get install python3-jwt python3-cryptography)
    VESTIBULE=https://auth.example.com APP=https://app.example.com PORT=3000 python3 app.py
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER = os.environ["VESTIBULE"]  # server.public_url
AUDIENCE = os.environ["APP"]  # this app, as people type it
# Fetched when it is first needed, kept for five minutes, fetched again for a key that is not in it.
KEYS = jwt.PyJWKClient(os.environ.get("JWKS_URL", ISSUER + "/.well-known/jwks.json"))


def who_comes(assertion):
    """The claims, or jwt.PyJWTError."""
    return jwt.decode(
        assertion,
        KEYS.get_signing_key_from_jwt(assertion).key,
        algorithms=["ES256"],  # never what the token itself says
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=5,  # seconds by which the clocks may differ
        options={"require": ["sub", "iat", "exp", "aud", "iss"]},
    )


class App(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, answer = 200, who_comes(self.headers.get("Vestibule-Assertion", ""))
        except jwt.PyJWTError as error:
            status, answer = 401, {"error": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
