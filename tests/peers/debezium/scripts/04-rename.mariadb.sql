USE shop;
RENAME TABLE customers TO clients;
ALTER TABLE clients ADD INDEX i_mail (email), RENAME TO `Kunden & Co`;
RENAME TABLE no_key TO keyed, shop.plain TO `Über shop`.plain;
ALTER TABLE keyed RENAME AS keyed_again;
