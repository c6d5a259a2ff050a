"""OpenAPI documents of the OAuth and the Tapis endpoints, made from the product's own lists of paths. They serve tests."""

import re
from typing import Any

from app.oauth.endpoints import PAGES, PROTOCOL, SIMULATED
from app.tapis.endpoints import ENDPOINTS

from .right import told

JSON, HTML, FORM = "application/json", "text/html; charset=utf-8", "application/x-www-form-urlencoded"
Schema = dict[str, Any]

_GRANTS = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "authorization_code"]
_CLIENTS = ["device-public", "testclient1", "tapis_cli"]
_KNOWN: dict[str, list[str]] = {
    "client_id": _CLIENTS,
    "client_secret": ["secret1"],
    "grant_type": _GRANTS,
    "scope": ["openid", "openid profile email offline_access"],
    "username": ["testuser1"],
    "password": ["password1"],
    "response_type": ["code"],
    "redirect_uri": ["http://localhost/cb", "http://127.0.0.1:8080/"],
    "code_challenge_method": ["S256"],
    "token_type_hint": ["access_token", "refresh_token"],
    "tenant": ["dev"],
    "value": ["testuser1", "testclient1", "made1", "dev", "tacc"],
}
# What each endpoint takes, in a form, or in the query where the method is GET.
_FIELDS = {
    "/oauth2/device_authorization": "client_id client_secret scope resource",
    "/oauth2/token": "grant_type client_id client_secret device_code refresh_token code redirect_uri code_verifier scope",
    "/oauth2/revoke": "token token_type_hint client_id client_secret",
    "/oauth2/introspect": "token token_type_hint client_id client_secret",
    "/oauth2/userinfo": "access_token",
    "/oauth2/authorize": "response_type client_id redirect_uri scope state code_challenge code_challenge_method nonce"
    " prompt max_age resource response_mode",
    "/device": "user_code csrf",
    "/device/login": "username password user_code csrf continue",
    "/device/decision": "user_code decision csrf",
    "/device/logout": "csrf user_code",
    "/device/simulator/start": "client_id scope csrf",
    "/v3/oauth2/device": "user_code client_id device_code",
    "/v3/oauth2/authorize": "client_id redirect_uri response_type state approve client_response_type",
    "/v3/oauth2/login": "username password client_id redirect_uri response_type state tenant device_code",
    "/v3/oauth2/logout": "logout",
    "/v3/oauth2/profiles": "limit offset",
}
_BODIES = {
    "/v3/oauth2/device/code": "client_id",
    "/v3/oauth2/tokens": "grant_type client_id client_key username password device_code refresh_token code redirect_uri",
    "/v3/oauth2/tokens/revoke": "token",
    "/v3/oauth2/clients": "client_id client_key callback_url display_name description",
    "/v3/oauth2/clients/*": "callback_url display_name",
}
_PUBLIC, _SECRET = {"client_id": "device-public"}, {"client_id": "testclient1", "client_secret": "secret1"}
_PASSWORD = {"grant_type": "password", "username": "testuser1", "password": "password1"}
# Whole bodies that are right, or are once a link has put a code or a token in.
_RIGHT: dict[str, list[Schema]] = {
    "/oauth2/device_authorization": [_PUBLIC, {**_PUBLIC, "scope": "openid profile email offline_access"}, _SECRET],
    "/oauth2/token": [{**_PUBLIC, "grant_type": _GRANTS[0], "device_code": "x"}],
    "/oauth2/revoke": [{**_PUBLIC, "token": "x"}],
    "/oauth2/introspect": [{**_SECRET, "token": "x"}],
    "/v3/oauth2/device/code": [{"client_id": "tapis_cli"}, {"client_id": "testclient1"}],
    "/v3/oauth2/tokens": [
        {**_PASSWORD, "client_id": "testclient1", "client_key": "secret1"},
        _PASSWORD,
        {"grant_type": "device_code", "client_id": "tapis_cli", "device_code": "x"},
    ],
    "/v3/oauth2/clients": [
        {"client_id": f"made{number}", "callback_url": "http://localhost/cb"} for number in range(9)
    ],
    "/v3/oauth2/clients/*": [{"display_name": "Another"}, {"callback_url": "http://localhost/other"}],
}
_TAPIS_GRANTS = ["password", "device_code", "refresh_token", "authorization_code"]
_ANSWERS: dict[str, tuple[str, ...]] = {
    "/oauth2/device_authorization": ("device_code", "user_code", "verification_uri", "expires_in", "interval"),
    "/oauth2/token": ("access_token", "token_type", "expires_in"),
    "/oauth2/introspect": ("active",),
    "/oauth2/userinfo": ("sub",),
    "/oauth2/jwks": ("keys",),
    "/.well-known/oauth-authorization-server": ("issuer", "token_endpoint", "device_authorization_endpoint"),
    "/.well-known/openid-configuration": ("issuer", "jwks_uri", "userinfo_endpoint"),
}
_REFUSED = ("400", "401", "403", "405", "413", "429")
_TYPES: dict[str, Schema] = {
    "expires_in": {"type": "integer"},
    "interval": {"type": "integer"},
    "active": {"type": "boolean"},
    "keys": {"type": "array"},
}


def oauth_document(issuer: str = "") -> Schema:
    """Return the document of an authorization server, of the named issuer or the one without a name."""
    prefix = f"/issuers/{issuer}" if issuer else ""
    paths = {f"{prefix}{path}": _protocol(path, list(methods)) for path, methods in PROTOCOL.items()}
    paths |= {f"{prefix}{path}": _pages(path, list(methods)) for path, methods in PAGES.items()}
    paths[f"{prefix}/device/simulator/{{handle}}"] = _pages("/device/simulator/{handle}", list(SIMULATED))
    _link(paths, prefix)
    return _document("OAuth", paths)


def tapis_document() -> Schema:
    """Return the document of the Tapis endpoints."""
    paths = {path.replace("*", "{value}"): _tapis(path, list(methods)) for path, methods in ENDPOINTS.items()}
    tokens = paths["/v3/oauth2/tokens"]["post"]
    code = paths["/v3/oauth2/device/code"]["post"]
    code["responses"]["200"]["links"] = {
        "redeem": _linked(
            "post_v3_oauth2_tokens", {"device_code": "/result/device_code", "client_id": "/result/client_id"}
        )
    }
    paths["/_standin/device/{user_code}"] = {"post": _decision()}
    code["responses"]["200"]["links"]["decide"] = {
        "operationId": "decide", "parameters": {"user_code": "$response.body#/result/user_code"}
    }  # fmt: skip
    token = "$response.body#/result/access_token/access_token"
    followers = ("get_v3_oauth2_userinfo", "get_v3_oauth2_profiles", "get_v3_oauth2_clients", "post_v3_oauth2_clients")
    tokens["responses"]["200"]["links"] = {
        name: {"operationId": name, "parameters": {"X-Tapis-Token": token}} for name in followers
    }
    return _document("Tapis", paths)


def _document(title: str, paths: Schema) -> Schema:
    return {"openapi": "3.1.0", "info": {"title": title, "version": "1"}, "paths": paths}


def _protocol(path: str, methods: list[str]) -> Schema:
    """Return what the protocol answers: JSON on success and on refusal, nothing at all to a revocation."""
    names = _ANSWERS.get(path)
    content = {"content": {JSON: {"schema": _object(names)}}} if names else {}
    refused: Schema = {JSON: {"schema": _object(("error",))}}
    if path == "/oauth2/userinfo":
        refused = {}
    responses = {"200": {"description": "Done.", **content}} | {
        status: {"description": "Refused.", **({"content": refused} if refused else {})} for status in _REFUSED
    }
    return {method.lower(): _operation(path, method, responses) for method in methods}


def _pages(path: str, methods: list[str]) -> Schema:
    page = {"description": "A page.", "content": {HTML: {"schema": {"type": "string"}}}}
    responses = dict.fromkeys(("200", *_REFUSED, "404", "409"), page)
    responses |= {status: {"description": "Elsewhere."} for status in ("302", "303")}
    return {method.lower(): _operation(path, method, responses) for method in methods}


def _tapis(path: str, methods: list[str]) -> Schema:
    """Return the envelope of contract tapis 1.1; the pages for people answer HTML as well."""
    pages = ("/v3/oauth2/device", "/v3/oauth2/authorize", "/v3/oauth2/login", "/v3/oauth2/logout")
    bare = ("/v3/oauth2/jwks", "/v3/oauth2/.well-known/oauth-authorization-server", "/v3/oauth2/userinfo")
    envelope: Schema = _object(("message", "metadata", "result", "status", "version"))
    answer: Schema = {JSON: {"schema": _object(()) if path in bare or "healthcheck" in path else envelope}}
    if path in pages:
        answer = {**answer, HTML: {"schema": {"type": "string"}}}
    refusal = {JSON: {"schema": envelope}} | ({HTML: {"schema": {"type": "string"}}} if path in pages else {})
    responses = {"200": {"description": "Done.", "content": answer}}
    responses |= {status: {"description": "Refused.", "content": refusal} for status in ("400", "404")}
    responses |= {"302": {"description": "Elsewhere."}} if path in pages else {}
    return {method.lower(): _operation(path, method, responses) for method in methods}


def _operation(path: str, method: str, responses: Schema) -> Schema:
    places = re.findall("{(.*?)}", path.replace("*", "{value}"))
    parameters = [{"name": name, "in": "path", "required": True, "schema": _text(name)} for name in places]
    if path.startswith("/v3/"):
        parameters.append({"name": "X-Tapis-Token", "in": "header", "schema": {"type": "string"}})
    elif path == "/oauth2/userinfo":
        parameters.append({"name": "Authorization", "in": "header", "schema": {"type": "string"}})
    entry: Schema = {"operationId": _name(path, method), "parameters": parameters, "responses": responses}
    fields = _FIELDS.get(path, "").split()
    known = {name: _KNOWN[name] for name in (*places, *fields) if name in _KNOWN}
    bodies = [{name: [value] for name, value in body.items()} for body in _RIGHT.get(path, ())]
    entry |= told(known, bodies if method != "GET" else [])
    if method == "GET":
        parameters += [{"name": name, "in": "query", "schema": _text(name)} for name in fields]
    elif path in _BODIES:
        entry["requestBody"] = {"content": {JSON: {"schema": _members(_BODIES[path].split())}}}
    elif fields:
        entry["requestBody"] = {"content": {FORM: {"schema": _members(fields)}}}
    return entry


def _name(path: str, method: str) -> str:
    return re.sub(r"\W+", "_", f"{method.lower()}{path.replace('*', 'one')}").strip("_")


def _members(names: list[str]) -> Schema:
    """Return a body that has at least a grant's type and a client's id."""
    properties = {name: _text(name) for name in names}
    if "client_key" in properties and "grant_type" in properties:
        properties["grant_type"] = {"enum": _TAPIS_GRANTS}
    required = [name for name in names if name in ("grant_type", "client_id")]
    return {"type": "object", "properties": properties, "required": required}


def _text(name: str) -> Schema:
    return {"type": "string", "examples": _KNOWN[name]} if name in _KNOWN else {"type": "string"}


def _object(names: tuple[str, ...]) -> Schema:
    return {"type": "object", "required": list(names), "properties": {name: _TYPES.get(name, {}) for name in names}}


def _decision() -> Schema:
    """Return the control plane's call that decides a device flow, so that chains of requests get behind it."""
    body = {"enum": [{"action": "approve", "username": "testuser1"}, {"action": "deny"}, {"action": "expire"}]}
    user_code = {"name": "user_code", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    responses = {status: {"description": "Done or refused."} for status in ("200", "400", "404", "409", "415", "422")}
    content = {JSON: {"schema": body}}
    return {
        **told({}, [{"action": ["approve"], "username": ["testuser1"]}]),
        "operationId": "decide",
        "parameters": [user_code],
        "requestBody": {"content": content},
        "responses": responses,
    }


def _linked(operation: str, members: dict[str, str]) -> Schema:
    body = {
        name: place if place.startswith("$") or "/" not in place else f"$response.body#{place}"
        for name, place in members.items()
    }
    return {"operationId": operation, "requestBody": body, "x-schemathesis": {"merge_body": True}}


def _link(paths: Schema, prefix: str) -> None:
    """Lead from a device flow to its decision and its tokens, and from tokens to what takes them."""
    paths["/_standin/device/{user_code}"] = {"post": _decision()}
    begun = paths[f"{prefix}/oauth2/device_authorization"]["post"]["responses"]["200"]
    public = {"client_id": "$request.body#/client_id"}
    redeem = {"grant_type": _GRANTS[0], "device_code": "$response.body#/device_code", **public}
    begun["links"] = {
        "decide": {"operationId": "decide", "parameters": {"user_code": "$response.body#/user_code"}},
        "redeem": {"operationId": "post_oauth2_token", "requestBody": redeem},
    }
    granted = paths[f"{prefix}/oauth2/token"]["post"]["responses"]["200"]
    asked = {"token": "$response.body#/access_token", "client_id": "testclient1", "client_secret": "secret1"}
    refresh = {"grant_type": "refresh_token", "refresh_token": "$response.body#/refresh_token", **public}
    granted["links"] = {
        "introspect": {"operationId": "post_oauth2_introspect", "requestBody": asked},
        "revoke": {
            "operationId": "post_oauth2_revoke",
            "requestBody": {**public, "token": "$response.body#/access_token"},
        },
        "refresh": {"operationId": "post_oauth2_token", "requestBody": refresh},
        "read": {
            "operationId": "get_oauth2_userinfo",
            "parameters": {"Authorization": "Bearer {$response.body#/access_token}"},
        },
    }
