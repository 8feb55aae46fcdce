"""
The problems of Homezone's own rules, by the names that its domain refuses with.
"""

from api.http.problems import Problem

PROBLEMS = (
    Problem("no-account", 403, "No account", "The QQ number of this token has no account yet."),
    Problem("suspended", 403, "Suspended", "This account is suspended; it can do nothing for now."),
    Problem("banned", 403, "Banned", "This account is closed for good."),
    Problem("restricted", 403, "Restricted", "This account may read, but publish nothing for now."),
    Problem("not-yours", 403, "Not yours", "Only whose it is may change it."),
    Problem(
        "not-ready",
        503,
        "Not ready",
        "The server runs but cannot serve; `detail` says what stands in the way.",
    ),
    Problem("qq-taken", 409, "The QQ number has an account", "Each QQ number has one account."),
    Problem("conflict", 409, "Too much at once", "Others kept changing the same thing. Try again."),
    Problem("already-published", 409, "Already published", "This post exists already."),
    Problem("not-published-yet", 409, "Not published yet", "This waits to be looked at."),
    Problem("too-many-rule-sets", 409, "Too many rule sets", "There are at most 100."),
    Problem("blocked-by-you", 409, "You have blocked this member", "Lift the block first."),
    Problem("not-certified", 409, "Not a certified space", "Only certified spaces have followers."),
    Problem("too-many-friends", 409, "Too many friends", "A member has at most 5,000 friends."),
    Problem("too-many-requests-open", 409, "Too many open requests", "Withdraw some first."),
    Problem("too-many-blocks", 409, "Too many blocks", "A member blocks at most 5,000 others."),
    Problem("too-many-follows", 409, "Too many follows", "A member follows at most 5,000 spaces."),
    Problem("too-many-lists", 409, "Too many lists", "A member has at most 100 lists."),
    Problem("not-yourself", 422, "Not with yourself", "This takes another member."),
    Problem("no-such-member", 422, "No such member", "A QQ number named here has no account."),
    Problem("no-such-image", 422, "No such image", "An image named here is none of yours."),
    Problem("no-such-post", 422, "No such post", "The post named here is not visible to you."),
    Problem("no-such-comment", 422, "No such comment", "It is not under this post."),
    Problem("no-such-list", 422, "No such list", "You have no list of this name."),
    Problem("list-or-name", 422, "A list or a name", "Give `list` or `name`, exactly one."),
    Problem("birth-date", 422, "Not a birth date", "Between 1900 and today."),
    Problem("in-the-past", 422, "In the past", "This moment must lie in the future."),
    Problem("too-far-ahead", 422, "Too far ahead", "This moment lies too far in the future."),
    Problem("share-of-what", 422, "A share names a post", "And nothing else does."),
    Problem("title-missing", 422, "A diary has a title", "Give it one."),
    Problem("title-unexpected", 422, "Only a diary has a title", "Leave it out."),
    Problem("too-long", 422, "Too long", "The text is longer than its kind of post may be."),
    Problem("not-published", 422, "Not published", "This cannot be published."),
    Problem("bad-rule", 422, "Bad rule", "A rule cannot be used, so its whole set is not."),
    Problem("until-missing", 422, "Until when", "A raised level ends at a moment."),
    Problem("too-short", 422, "Too short", "A post says something."),
)
