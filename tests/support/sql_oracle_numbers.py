"""The normal form of phone numbers, and lists of numbers, in SQL.

Written from the definitions, like `sql_oracle`, without the package's own normal form.
"""

__all__ = ["LISTED", "NUMBERS"]

# Spaces and characters without a picture (\p{Z}, \p{C}), dashes (\p{Pd}, and the minus sign), dots,
# brackets and slashes.
_SEPARATORS = r"[\p{Z}\p{C}\p{Pd}\x{2212}.()\[\]{}<>/]"

_OLD_PREFIXES = {
    "0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078",
    "0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082",
    **{f"016{digit}": f"03{digit}" for digit in range(2, 10)},
    "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip
_PREFIX_ROWS = ", ".join(f"('{old}', '{new}')" for old, new in _OLD_PREFIXES.items())

_WORDS = "anonymous|restricted|private|unknown|unavailable|blocked|withheld"

NUMBERS = rf"""
CREATE OR REPLACE TABLE numbers AS
WITH texts AS (
    SELECT DISTINCT number FROM (
        SELECT caller AS number FROM read_parquet(getvariable('parquet'))
        UNION ALL
        SELECT callee FROM read_parquet(getvariable('parquet'))
        UNION ALL
        SELECT unnest(call_targets).target_number FROM read_parquet(getvariable('parquet'))
        UNION ALL
        SELECT unnest(getvariable('ivr_numbers') || getvariable('queue_numbers')
            || getvariable('voicemail_numbers') || getvariable('agent_numbers'))
    )
    WHERE number IS NOT NULL
),
without_separators AS (
    SELECT number, regexp_replace(number, '{_SEPARATORS}', '', 'g') AS n FROM texts
),
without_host AS (
    SELECT number, regexp_replace(regexp_replace(n, '^(sips?|tel):', '', 'i'), '[@;].*$', '', 's')
        AS bare
    FROM without_separators
),
-- +0... is 0...; 00 and 9 digits are 0 and these 9; another 00 is +, where the code of a country
-- follows, which never begins with 0.
without_exit_code AS (
    SELECT *, CASE
        WHEN starts_with(bare, '+0') THEN substr(bare, 2)
        WHEN regexp_full_match(bare, '00\d{{9}}') THEN substr(bare, 2)
        WHEN regexp_matches(bare, '^00[1-9]') THEN '+' || substr(bare, 3)
        ELSE bare
    END AS n
    FROM without_host
),
-- Vietnam's code before 9 or 10 digits is a 0, which may be there as well. Toll-free and premium
-- numbers, 1800... and 1900..., have no 0.
without_country AS (
    SELECT number, bare, CASE
        WHEN regexp_full_match(n, '\+?840?1[89]00\d{{4,6}}')
            THEN regexp_extract(n, '1[89]00\d{{4,6}}$')
        WHEN regexp_full_match(n, '\+?840[1-9]\d{{8,9}}') THEN regexp_replace(n, '^\+?84', '')
        WHEN regexp_full_match(n, '\+?84\d{{9,10}}') THEN regexp_replace(n, '^\+?84', '0')
        ELSE n
    END AS n
    FROM without_exit_code
),
old_prefixes(old_prefix, new_prefix) AS (VALUES {_PREFIX_ROWS}),
with_zero AS (
    SELECT number, bare, CASE
        WHEN regexp_full_match(n, '1[89]00\d{{5}}') THEN n
        WHEN regexp_full_match(n, '[1-9]\d{{8}}') THEN '0' || n
        WHEN regexp_full_match(n, '1[2689]\d{{8}}')
            AND '0' || substr(n, 1, 3) IN (SELECT old_prefix FROM old_prefixes) THEN '0' || n
        ELSE n
    END AS n
    FROM without_country
)
SELECT
    number,
    CASE WHEN regexp_full_match(n, '01\d{{9}}') AND new_prefix IS NOT NULL
        THEN new_prefix || substr(n, 5) ELSE n END AS normal,
    regexp_full_match(bare, '0*|\+?266696687|{_WORDS}', 'i')
        OR len(regexp_replace(bare, '\D', '', 'g')) <= 5
        OR regexp_matches(bare, '[*\p{{L}}]') AS is_nobody,
    -- The form of an entry that ends in *.
    regexp_replace(regexp_replace(left(bare, -1), '^\+0', '0'), '^(\+|00)84', '0') AS prefix
FROM with_zero LEFT JOIN old_prefixes ON substr(n, 1, 4) = old_prefix
"""
"""Every number of the calls and of the options: its normal form, and whether it is of nobody."""

LISTED = """
CREATE OR REPLACE MACRO listed(normal_form, entries) AS EXISTS (
    FROM numbers AS entry
    WHERE list_contains(entries, entry.number)
        AND CASE WHEN ends_with(entry.number, '*') THEN starts_with(normal_form, entry.prefix)
            ELSE normal_form = entry.normal END
)
"""
"""Whether an option's entries contain a number; an entry that ends in * is a prefix."""
