-- Holds what a build script may trip over: ; [a] ${b} $ENV{c} @d@ \ \n "e" )" 가격 🎟
CREATE TABLE {odd} (id {int64} NOT NULL PRIMARY KEY, note {text} NOT NULL DEFAULT '{};"\[x]');

