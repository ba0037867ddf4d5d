-- a dump
INSERT INTO names VALUES (1, 'evil.example');
INSERT INTO names VALUES (2, 'worse.example');
