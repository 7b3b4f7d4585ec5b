"""Faults of what a browser may do with an answer: which origin reads it, and which cache keeps it."""

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from twin.switching.registry import Undo, fault, replace

if TYPE_CHECKING:
    from twin.backend.seams import Seams


@fault("browser.any-origin-reflected", place="backend", seen="as recorded: a second middleware reflects any origin")
def any_origin(seams: "Seams") -> Undo:
    """Every origin may read every answer, with credentials."""
    return replace(
        seams,
        cross_origin=lambda app: CORSMiddleware(
            app, allow_origin_regex=".*", allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
        ),
    )


@fault("browser.no-origin-allowed", place="backend", seen="a list of origins read from a variable that is not set")
def no_origin(seams: "Seams") -> Undo:
    """The frontend's own pages may read nothing."""
    return replace(seams, cross_origin=lambda app: app)


@fault("browser.lists-cacheable", place="backend", seen="a CDN rule for everything below /api")
def cacheable(seams: "Seams") -> Undo:
    """What belongs to a user may be kept by any cache on the way."""
    return replace(seams, cache_control=lambda _path: "public, max-age=60")
