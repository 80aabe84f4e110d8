package kafka

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // a format's choice, not ours
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// decryptKey returns the private key of a PEM text in plain PEM. It reads the one encrypted form Kafka's documentation
// names, PKCS #8 with PBES2 (RFC 8018), as openssl writes it by default.
func decryptKey(text []byte, password string) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("has no private key in PEM form")
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY":
			if password == "" {
				return nil, errors.New("the private key is encrypted, but ssl.key.password is not set")
			}
			der, err := decryptPBES2(block.Bytes, []byte(password))
			if err != nil {
				return nil, fmt.Errorf("decrypting the private key: %w", err)
			}
			return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
		case block.Headers["DEK-Info"] != "":
			return nil, errors.New("the private key is encrypted in an old form; turn it into PKCS #8 with openssl pkcs8 -topk8")
		case bytes.HasSuffix([]byte(block.Type), []byte("PRIVATE KEY")):
			return pem.EncodeToMemory(block), nil
		}
	}
}

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct {
	Derivation, Encryption pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	Function   pkix.AlgorithmIdentifier `asn1:"optional"`
}

func decryptPBES2(der, password []byte) ([]byte, error) {
	var key encryptedKey
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, err
	}
	if got := key.Algorithm.Algorithm.String(); got != "1.2.840.113549.1.5.13" {
		return nil, fmt.Errorf("algorithm %s is not supported, only PBES2 is; encrypt the key with openssl pkcs8 -topk8 -v2 aes-256-cbc", got)
	}
	var scheme pbes2Params
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	if got := scheme.Derivation.Algorithm.String(); got != "1.2.840.113549.1.5.12" {
		return nil, fmt.Errorf("key derivation %s is not supported, only PBKDF2 is", got)
	}
	var derivation pbkdf2Params
	if _, err := asn1.Unmarshal(scheme.Derivation.Parameters.FullBytes, &derivation); err != nil {
		return nil, err
	}
	function, err := pbkdf2Hash(derivation.Function.Algorithm)
	if err != nil {
		return nil, err
	}
	length, err := aesKeyLength(scheme.Encryption.Algorithm)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	if derivation.Iterations < 1 || derivation.Iterations > 10_000_000 {
		return nil, fmt.Errorf("%d iterations are out of range", derivation.Iterations)
	}
	secret, err := pbkdf2.Key(function, string(password), derivation.Salt, derivation.Iterations, length)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(key.Data) == 0 || len(key.Data)%aes.BlockSize != 0 {
		return nil, errors.New("the encrypted key is damaged")
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, key.Data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize || !bytes.Equal(plain[len(plain)-padding:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errors.New("wrong ssl.key.password?")
	}
	return plain[:len(plain)-padding], nil
}

func pbkdf2Hash(id asn1.ObjectIdentifier) (func() hash.Hash, error) {
	switch id.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.9":
		return sha256.New, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("hash function %s is not supported", id)
}

func aesKeyLength(id asn1.ObjectIdentifier) (int, error) {
	switch id.String() {
	case "2.16.840.1.101.3.4.1.2":
		return 16, nil
	case "2.16.840.1.101.3.4.1.22":
		return 24, nil
	case "2.16.840.1.101.3.4.1.42":
		return 32, nil
	}
	return 0, fmt.Errorf("cipher %s is not supported, only AES in CBC mode is", id)
}
